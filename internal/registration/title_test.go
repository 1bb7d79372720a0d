package registration

import (
	"strings"
	"testing"
)

func TestTitle(t *testing.T) {
	for page, want := range map[string]string{
		"": "", "no title": "", "<title>": "", "<titles>x</titles>": "",
		"<title></title>":                                 "",
		"<TITLE\n lang=de>Über\tuns</TITLE >":             "Über uns",
		"<title>a</title><title>b</title>":                "a",
		"<title>&lt;b&gt; &#x41; &quot;</title>":          `<b> A "`,
		"<title>\x1b[31mred\x1b[0m\x07</title>":           "[31mred[0m",
		"<title>gnp\u202eexe</title>":                     "gnpexe",
		"<title>" + strings.Repeat("ü", 300) + "</title>": strings.Repeat("ü", 199) + "…",
	} {
		if got := title(page); got != want {
			t.Errorf("%q: %q, want %q", page, got, want)
		}
	}
}

func TestMaskToken(t *testing.T) {
	long := strings.Repeat("ab+/", 46)
	for token, want := range map[string]string{"": "…(0 characters)", "short": "…(5 characters)", long: "ab+/ab…(184 characters)"} {
		if got := maskToken(token); got != want {
			t.Errorf("%q: %q, want %q", token, got, want)
		}
	}
	if got, want := maskBody([]byte(`{"a":"`+long+`","b":"<"}`), long), `{"a":"ab+/ab…(184 characters)","b":"<"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	odd := strings.Repeat(`<"é`, 20)
	if got, want := maskBody([]byte(`{"a":"`+strings.Repeat(`\u003c\"é`, 20)+`"}`), odd), `{"a":"`+maskToken(odd)+`"}`; got != want {
		t.Errorf("as JSON writes it: %s, want %s", got, want)
	}
	if got := maskBody([]byte{0xff, 0x00}, "x"); got != "ff00" {
		t.Errorf("no text: %q", got)
	}
}

func TestMaskHeader(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"Authorization", "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=00ff", "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=…"},
		{"authorization", "Signature=00ff, Credential=A", "Signature=…, Credential=A"},
		{"X-Amz-Security-Token", "secret", "…"},
		{"X-Amz-Date", "20260101T000000Z", "20260101T000000Z"},
	} {
		if got := maskHeader(test.name, test.value); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
