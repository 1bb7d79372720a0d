package awsproto

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// patternTag is the pattern of TagKey and TagValue.
const patternTag = `^[a-zA-Z0-9+ -=._:\/@]+$`

// TestPatterns holds the loops to the patterns of the models, on strings that match, strings that nearly do, and strings of what is in patterns.
func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		name, pattern string
		match         func([]byte) bool
	}{
		{"account", patternAccountID, validAccountID},
		{"product code", patternProductCode, validProductCode},
		{"license", patternLicenseARN, validLicenseARN},
		{"no space", patternNoSpace, validNoSpace},
		{"tag", patternTag, ValidTagText},
	} {
		// Go counts to 1000 at most, and its \s lacks the vertical tab that Java's has.
		source := strings.NewReplacer("{0,1023}", "{0,23}(?:[A-Za-z0-9:_/+=,@.-]{0,1000})", `\S`, `[^ \t\n\x0b\f\r]`).Replace(tt.pattern)
		want := regexp.MustCompile(`\A(?:` + source + `)\z`)
		check := func(t interface{ Fatalf(string, ...any) }, s string) {
			if got := tt.match([]byte(s)); got != want.MatchString(s) {
				t.Fatalf("%s: %q: %v, but the regexp says %v", tt.name, s, got, !got)
			}
		}
		matching := rapid.StringMatching(strings.NewReplacer("{0,23}(?:[A-Za-z0-9:_/+=,@.-]{0,1000})", "{0,9}").Replace(source))
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{"arn:aws", "arn:aws-cn", ":", "a", "Z", "0", "9", "-", "/", ".", "_", "+", "=", ",", "@", " ", "\t", "\n", "\v", "\\", "é", "<", ">", "`", "[", "x:y:z"}))
		t.Run(tt.name, rapid.MakeCheck(func(t *rapid.T) {
			s := matching.Draw(t, "matching")
			check(t, s)
			odd := rapid.SampledFrom([]string{":", "", "\n", "é", " ", "-", "x", "A", "_", "@", "\x00", "\x7f"}).Draw(t, "odd")
			at := rapid.IntRange(0, len(s)).Draw(t, "at")
			check(t, s[:at]+odd+s[at:])
			if at < len(s) {
				check(t, s[:at]+odd+s[at+1:])
			}
			check(t, rapid.String().Draw(t, "any"))
			check(t, strings.Join(pieces.Draw(t, "pieces"), ""))
		}))
		for r := range rune(0x180) { // every byte by itself, alone and within
			check(t, string(r))
			check(t, "a"+string(r)+"b")
			check(t, "arn:aws:a:b:c:"+string(r))
			check(t, "arn:aws:a"+string(r)+":b:c:d")
			check(t, "arn:aws:"+string(r)+":b:c:d")
			check(t, "arn:aws"+string(r)+":a:b:c:d")
		}
		for range 200 { // around the lengths that the parts of an ARN may have
			n := func(most int) string { return strings.Repeat("a", max(0, most-1+rand.IntN(3))) }
			check(t, "arn:aws:"+n(63)+":"+n(63)+":"+n(63)+":"+n(1024))
			check(t, "arn:aws:"+n(63)+":"+n(0)+":"+n(0)+":"+n(1))
		}
	}
}

func TestValidTagText(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "a": true, " ": true, "!\"#$%&'()*+,-./0123456789:;<=": true, ">": false, "?": false, "@": true, "_": true, "[": false, `\`: false, "`": false,
		"{": false, "~": false, "\t": false, "\x1f": false, "\x7f": false, "é": false, "a\n": false, strings.Repeat("a", 300): true,
	} {
		if got := ValidTagText([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
