package tryit

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// withoutValue is a Set-Cookie line without what the cookie holds.
func withoutValue(line string) string {
	pair, attributes, more := strings.Cut(line, ";")
	name, _, _ := strings.Cut(pair, "=")
	if more {
		return name + "=…;" + attributes
	}
	return name + "=…"
}

// bounded is s up to n bytes, not cut within a character.
func bounded(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// printable makes text of bytes that may be none.
func printable(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// secret is a token in each of the ways in which sites write one: as it is, percent-encoded, even twice, and escaped for HTML and JSON.
type secret struct {
	pattern *regexp.Regexp
	shown   string
}

func secretOf(token string) secret {
	var b strings.Builder
	for _, r := range strings.TrimRight(token, "=") {
		switch r {
		case '+':
			b.WriteString(`(?:\+| |%(?:25)*2[Bb]|&#43;|&#x2[Bb];|&plus;|\\u002[Bb])`)
		case '/':
			b.WriteString(`(?:\\?/|%(?:25)*2[Ff]|&#47;|&#x2[Ff];|&sol;|\\u002[Ff])`)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	b.WriteString(`(?:=|%(?:25)*3[Dd]|&#61;|&#x3[Dd];|\\u003[Dd])*`)
	return secret{pattern: regexp.MustCompile(b.String()), shown: token[:min(6, len(token))] + "…(token)"}
}

func (s secret) mask(text string) string { return s.pattern.ReplaceAllLiteralString(text, s.shown) }

func (s secret) in(text string) bool { return s.pattern.MatchString(text) }
