package awsproto

import (
	"strings"
	"testing"
)

func decodeResolve(p Protocol, body []byte) (in ResolveCustomerInput, f *Fault) {
	d := p.Codec().Decoder(body)
	in.Decode(&d)
	return in, d.Finish()
}

func TestResolveCustomerInput(t *testing.T) {
	const (
		null  = "1 validation error detected: Value null at 'registrationToken' failed to satisfy constraint: Member must not be null"
		empty = `1 validation error detected: Value '' at 'registrationToken' failed to satisfy constraint: Member must satisfy regular expression pattern: [\s\S]+`
	)
	for _, tt := range []struct {
		protocol    Protocol
		body, token string
		fault       string // of Validate
	}{
		{JSON11, `{"RegistrationToken":"__RegistrationToken__"}`, "__RegistrationToken__", ""}, // the Go SDK's own snapshot
		{JSON11, `{"RegistrationToken": "tok+/=\u00e9"}`, "tok+/=é", ""},                       // boto3
		{JSON11, `{"RegistrationToken":"tok+\/="}`, "tok+/=", ""},                              // PHP
		{JSON11, `{"RegistrationToken":" "}`, " ", ""},
		{JSON11, `{"RegistrationToken":"\u0000"}`, "\x00", ""},
		{JSON11, `{"RegistrationToken":"a","RegistrationToken":"b","Other":{}}`, "b", ""},
		{JSON11, `{"RegistrationToken":""}`, "", empty},
		{JSON11, `{"RegistrationToken":null}`, "", null},
		{JSON11, `{"registrationToken":"a"}`, "", null},
		{JSON11, `{}`, "", null},
		{JSON11, ``, "", null},
		{CBOR, "\xbfqRegistrationTokenetok+/\xff", "tok+/", ""},
		{CBOR, "\xa1qRegistrationToken`", "", empty},
		{CBOR, "\xa0", "", null},
		{CBOR, "", "", null},
	} {
		in, f := decodeResolve(tt.protocol, []byte(tt.body))
		if f != nil {
			t.Errorf("%s: %v", tt.body, f)
			continue
		}
		if string(in.RegistrationToken) != tt.token {
			t.Errorf("%s: token %q, want %q", tt.body, in.RegistrationToken, tt.token)
		}
		got := ""
		if f := in.Validate(); f != nil {
			got = f.Message
		}
		if got != tt.fault {
			t.Errorf("%s: fault %q, want %q", tt.body, got, tt.fault)
		}
	}
}

// However a body with a token is broken, the token does not stand in the fault.
func TestFaultsKeepTokensSecret(t *testing.T) {
	secret := strings.Repeat("Secret+/", 23)
	whole := `{"RegistrationToken":"` + secret + `"}`
	for i := range whole {
		for _, broken := range []string{whole[:i], whole[:i] + "\xff" + whole[i:], whole[:i] + "{" + whole[i:], whole[:i] + "\\x" + whole[i:]} {
			if in, f := decodeResolve(JSON11, []byte(broken)); f != nil && strings.Contains(f.Message, "ecret") {
				t.Fatal(f)
			} else if v := in.Validate(); f == nil && v != nil && strings.Contains(v.Message, "ecret") {
				t.Fatal(v)
			}
		}
	}
}

func TestResolveCustomerOutput(t *testing.T) {
	encode := func(p Protocol, out ResolveCustomerOutput) string {
		e := p.Codec().Encoder(nil)
		out.Encode(&e)
		return string(e.Bytes())
	}
	// The Go SDK's own snapshot of the answer.
	const want = `{"CustomerAWSAccountId":"__CustomerAWSAccountId__","CustomerIdentifier":"__CustomerIdentifier__","LicenseArn":"__LicenseArn__","ProductCode":"__ProductCode__"}`
	if got := encode(JSON11, ResolveCustomerOutput{"__CustomerAWSAccountId__", "__CustomerIdentifier__", "__LicenseArn__", "__ProductCode__"}); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	const empty = `{"CustomerAWSAccountId":"","CustomerIdentifier":"","LicenseArn":"","ProductCode":""}`
	if got := encode(JSON11, ResolveCustomerOutput{}); got != empty {
		t.Errorf("got  %s\nwant %s", got, empty)
	}
	const cbor = "\xbftCustomerAWSAccountIdl111122223333rCustomerIdentifier`jLicenseArnakkProductCodeap\xff"
	if got := encode(CBOR, ResolveCustomerOutput{"111122223333", "", "k", "p"}); got != cbor {
		t.Errorf("got  %q\nwant %q", got, cbor)
	}
}

// agree holds the fast way of reading a registration token to the general one.
func agree(t *testing.T, body []byte) {
	t.Helper()
	token, ok := FastRegistrationToken(body)
	if !ok {
		return
	}
	c := JSON11.Codec()
	if f := c.Valid(body); f != nil {
		t.Fatalf("%q is read fast, and not valid: %v", body, f)
	}
	var in ResolveCustomerInput
	d := c.Decoder(body)
	in.Decode(&d)
	if f := d.Finish(); f != nil {
		t.Fatalf("%q is read fast, and faulty: %v", body, f)
	}
	if f := in.Validate(); f != nil {
		t.Fatalf("%q is read fast, and invalid: %v", body, f)
	}
	if string(in.RegistrationToken) != string(token) {
		t.Fatalf("%q: fast %q, else %q", body, token, in.RegistrationToken)
	}
}

func TestFastRegistrationToken(t *testing.T) {
	for body, fast := range map[string]bool{
		`{"RegistrationToken":"abc+/="}`: true, `{"RegistrationToken": "abc+/="}`: true, `{"RegistrationToken":"a"}`: true,
		`{"RegistrationToken":""}`: false, `{"RegistrationToken":"a\u002b"}`: false, `{"RegistrationToken":"a","RegistrationToken":"b"}`: false,
		`{"RegistrationToken":"a"} `: false, `{"RegistrationToken":"a"}}`: false, `{"RegistrationToken":"a" }`: false, `{"registrationToken":"a"}`: false,
		`{"RegistrationToken":"a b"}`: false, `{"RegistrationToken":null}`: false, `{"RegistrationToken":"}`: false, `{"RegistrationToken":`: false, "": false,
	} {
		if _, ok := FastRegistrationToken([]byte(body)); ok != fast {
			t.Errorf("%s: %v, want %v", body, ok, fast)
		}
		agree(t, []byte(body))
	}
}

func FuzzFastRegistrationToken(f *testing.F) {
	f.Add([]byte(`{"RegistrationToken":"abc+/="}`))
	f.Add([]byte(`{"RegistrationToken": "abc+/="}`))
	f.Fuzz(func(t *testing.T, body []byte) { agree(t, body) })
}

// The hot path of encoding writes what the general one does.
func TestResolveCustomerOutputBothWays(t *testing.T) {
	out := ResolveCustomerOutput{CustomerAWSAccountID: "111122223333", CustomerIdentifier: `a"\` + "\n\xff", LicenseARN: "arn:aws:x", ProductCode: "p"}
	hot := JSON11.Codec().Encoder(nil)
	out.Encode(&hot)
	general := JSON11.Codec().Encoder(nil)
	general.BeginStruct()
	for _, m := range [][2]string{{"CustomerAWSAccountId", out.CustomerAWSAccountID}, {"CustomerIdentifier", out.CustomerIdentifier}, {"LicenseArn", out.LicenseARN}, {"ProductCode", out.ProductCode}} {
		general.Member(m[0])
		general.String(m[1])
	}
	general.EndStruct()
	if string(hot.Bytes()) != string(general.Bytes()) {
		t.Errorf("hot\n%s\ngeneral\n%s", hot.Bytes(), general.Bytes())
	}
}
