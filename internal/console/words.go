package console

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/souk-market/souk/internal/market"
)

// plain makes text that people gave (titles, names, descriptions) safe to look at: characters that cannot be seen but steer what is
// seen, such as a switch of the writing direction, are spelled out. Escaping for HTML is the template's work, not this one's.
func plain(s string) string {
	hidden := func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
	}
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, "‹U+%04X›", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// sentence is an error's message as a sentence of a page.
func sentence(message string) string {
	if message == "" {
		return message
	}
	message = plain(strings.ToUpper(message[:1]) + message[1:])
	if strings.HasSuffix(message, ".") {
		return message
	}
	return message + "."
}

// initial is the letter that stands for a product where others have a logo.
func initial(title string) string {
	for _, r := range title {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "•"
}

// pricing says what a product charges for: AWS's three pricing models of SaaS products.
func pricing(dimensions []market.Dimension) string {
	var metered, entitled bool
	for _, d := range dimensions {
		metered = metered || d.Kind == market.Metered
		entitled = entitled || d.Kind == market.Entitled
	}
	switch {
	case metered && entitled:
		return "Contract with pay-as-you-go"
	case entitled:
		return "Contract"
	case metered:
		return "Pay as you go"
	}
	return "No charges"
}

func kindWords(k market.ProductKind) string {
	if k == market.ConcurrentAgreements {
		return "Several subscriptions per buyer"
	}
	return "One subscription per buyer"
}

func dimensionWords(k market.DimensionKind) string {
	if k == market.Entitled {
		return "bought up front"
	}
	return "billed by use"
}

// plural is n things, in words.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// moment is an instant as pages show it: in UTC, for people and for machines.
type moment struct{ Text, Machine string }

// momentOf the zero time is the zero moment.
func momentOf(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.UTC()
	return moment{Text: t.Format("2 Jan 2006, 15:04:05 UTC"), Machine: t.Format(time.RFC3339)}
}

// productPath and subscriptionPath are addresses of pages. A product code may have slashes in it: they are escaped.
func productPath(code string) string { return "/products/" + url.PathEscape(code) }

func subscriptionPath(id string) string { return "/subscriptions/" + url.PathEscape(id) }
