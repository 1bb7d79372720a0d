package registration

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

var titleElement = regexp.MustCompile(`(?is)<title(?:\s[^>]*)?>(.*?)</title\s*>`)

// maxTitle bounds a title, in characters.
const maxTitle = 200

// title is the text of a page's title element, on one line. It is made to be printed on a terminal: whatever could steer one is left out.
func title(page string) string {
	m := titleElement.FindStringSubmatch(page)
	if m == nil {
		return ""
	}
	text := strings.Join(strings.Fields(html.UnescapeString(m[1])), " ")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxTitle {
		return string(runes[:maxTitle-1]) + "…"
	}
	return text
}
