package iam

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything:at/all", true},
		{"**", "x", true},
		{"?", "", false},
		{"?", "a", true},
		{"?", "é", true}, // one character, two bytes
		{"??", "é", false},
		{"*?", "é", true},
		{"*??", "😀", false}, // a star ends between characters, not within one
		{"?", "\xff", true},
		{"a*", "a", true},
		{"a*", "b", false},
		{"*a", "ba", true},
		{"*a", "ab", false},
		{"a*b*c", "a-b-c", true},
		{"a*b*c", "abcbc", true},
		{"a*b*c", "acb", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*ab", "aab", true}, // the star must take more than the first a
		{"*a?b*", "aab", true},
		{"a.c", "abc", false}, // nothing but * and ? is special
		{`a\*`, "a*", false},
		{"[a]", "a", false},
		{"ABC", "abc", false},
	} {
		if got := Match(c.pattern, c.s); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}

// TestMatchIsBounded runs what makes a backtracking matcher take longer than the universe lasts.
func TestMatchIsBounded(t *testing.T) {
	pattern, s := strings.Repeat("*a", 500)+"b", strings.Repeat("a", 8000)
	start := time.Now()
	if Match(pattern, s) {
		t.Error("matched")
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

// reference is Match by way of a regular expression.
func reference(pattern, any, one string) *regexp.Regexp {
	var b strings.Builder
	for _, c := range pattern {
		switch c {
		case '*':
			b.WriteString(any)
		case '?':
			b.WriteString(one)
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return regexp.MustCompile(`(?s)\A` + b.String() + `\z`)
}

func TestMatchAgreesWithRegexp(t *testing.T) {
	pattern := rapid.StringOfN(rapid.SampledFrom([]rune("aabcé😀:**?")), 0, 12, -1)
	text := rapid.StringOfN(rapid.SampledFrom([]rune("aaabcé😀:")), 0, 16, -1)
	rapid.Check(t, func(t *rapid.T) {
		p, s := pattern.Draw(t, "pattern"), text.Draw(t, "text")
		want := reference(p, ".*", ".").MatchString(s)
		if got := Match(p, s); got != want {
			t.Fatalf("Match(%q, %q) = %v, regexp says %v", p, s, got, want)
		}
		// The compiled forms are other code for the same question.
		for _, d := range []dialect{{wildcards: true}, {wildcards: true, variables: true}} {
			c, err := newPattern(p, d)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.match(s, &Request{}) == matched; got != want {
				t.Fatalf("pattern %q, shape %d, matches %q: %v, regexp says %v", p, c.shape, s, got, want)
			}
		}
		toks, err := tokenize(p, dialect{wildcards: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := matchTokens(toks, s, false); got != want {
			t.Fatalf("tokens of %q match %q: %v, regexp says %v", p, s, got, want)
		}
		if a := newActionPattern(p); a.match(strings.ReplaceAll(s, "a", "A")) != want {
			t.Fatalf("action pattern %q does not match %q without regard to case", p, s)
		}
	})
}

// TestARNPartsAgreeWithSplitting holds the ARN matcher to the words of the guide: six parts, each checked separately.
func TestARNPartsAgreeWithSplitting(t *testing.T) {
	part := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?")), 0, 4, -1)
	last := rapid.StringOfN(rapid.SampledFrom([]rune("ab:*?")), 0, 8, -1)
	text := rapid.StringOfN(rapid.SampledFrom([]rune("aab:::::")), 0, 14, -1)
	rapid.Check(t, func(t *rapid.T) {
		p := last.Draw(t, "resource")
		for range 5 {
			p = part.Draw(t, "part") + ":" + p
		}
		s := text.Draw(t, "text")

		parts, values := strings.SplitN(p, ":", 6), strings.SplitN(s, ":", 6)
		want := len(values) == 6
		for i := range parts {
			want = want && reference(parts[i], ".*", ".").MatchString(values[i])
		}
		c, err := newPattern(p, dialect{wildcards: true, arn: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.match(s, &Request{}) == matched; got != want {
			t.Fatalf("ARN pattern %q matches %q: %v, part by part %v", p, s, got, want)
		}
	})
}

func TestActionCase(t *testing.T) {
	for _, c := range []struct {
		pattern, action string
		want            bool
	}{
		{"aws-marketplace:ResolveCustomer", "aws-marketplace:ResolveCustomer", true},
		{"AWS-MARKETPLACE:resolvecustomer", "aws-marketplace:ResolveCustomer", true},
		{"aws-marketplace:resolve*", "AWS-Marketplace:ResolveCustomer", true},
		{"aws-marketplace:*CUSTOMER", "aws-marketplace:ResolveCustomer", true},
		{"aws-marketplace:Resolve?ustomer", "aws-marketplace:ResolveCustomer", true},
		{"iam:Link", "iam:lin\u212a", false}, // KELVIN SIGN, which Unicode folds to k
		{"iam:List", "iam:li\u017ft", false}, // LATIN SMALL LETTER LONG S, which Unicode folds to s
		{"iam:Lin*", "iam:L\u0131nk", false},
		{"aws-marketplace:Resolve", "aws-marketplace:ResolveCustomer", false},
		{"aws-marketplace:ResolveCustomer", "aws-marketplace:Resolve", false},
	} {
		p := newActionPattern(c.pattern)
		if got := p.match(c.action); got != c.want {
			t.Errorf("action %q matches %q: %v", c.pattern, c.action, got)
		}
	}
}
