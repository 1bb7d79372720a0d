package world

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// rule judges a text: it answers what is wrong with it, "" if nothing is.
type rule func(string) string

// The forms are those that market.ApplyWorld holds to.
var (
	productText = made(1, 255, alnum+"-/=:_.@", "[-a-zA-Z0-9/=:_.@]")
	shortID     = made(1, 64, alnum+"-", "[-a-zA-Z0-9]")
	identity    = made(1, 128, alnum+"_+=,.@-", "[A-Za-z0-9_+=,.@-]")
	accessKeyID = made(16, 128, alnum+"_", "[A-Za-z0-9_]")
)

const alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// productCode refuses codes that no URL can name: a path loses such steps.
func productCode(s string) string {
	if s == "." || s == ".." {
		return "must not be " + strconv.Quote(s)
	}
	return productText(s)
}

// customerIdentifier is ASCII because a registration token has 255 bytes for it.
func customerIdentifier(s string) string {
	if len(s) < 1 || len(s) > 255 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "must be 1 to 255 printable characters of ASCII, not " + quoteShort(s)
	}
	return ""
}

// made holds text to a number of characters of a set, which class names.
func made(least, most int, set, class string) rule {
	return func(s string) string {
		if len(s) >= least && len(s) <= most && strings.Trim(s, set) == "" {
			return ""
		}
		return fmt.Sprintf("must be %d to %d characters of %s, not %s", least, most, class, quoteShort(s))
	}
}

var licenseForm = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:[A-Za-z0-9][A-Za-z0-9_/.-]{0,62}:[A-Za-z0-9_/.-]{0,63}:[A-Za-z0-9_/.-]{0,63}:([A-Za-z0-9][A-Za-z0-9:_/+=,@.-]*)$`)

func licenseARN(s string) string {
	if m := licenseForm.FindStringSubmatch(s); m != nil && len(m[1]) <= 1024 {
		return ""
	}
	return "must be an ARN such as arn:aws:license-manager::" + market.LicenseIssuer + ":license:l-…, not " + quoteShort(s)
}

func accountID(s string) string {
	if account.ValidID(s) {
		return ""
	}
	return "must be twelve digits, not " + quoteShort(s)
}

// regionForm is how Regions are named: us-east-1, us-gov-west-1.
var regionForm = regexp.MustCompile(`^[a-z]{2,6}(-[a-z]+)+-[0-9]{1,2}$`)

func regionName(s string) string {
	if regionForm.MatchString(s) {
		return ""
	}
	return "must be the name of a Region, such as us-east-1"
}

// notTemporary refuses key ids of the form that sessions have.
func notTemporary(s string) string {
	if strings.HasPrefix(s, "ASIA") {
		return "begins with ASIA, which is for temporary keys"
	}
	return ""
}

// secret does not tell what it found.
func secret(s string) string {
	if len(s) < 16 || len(s) > 128 {
		return fmt.Sprintf("must have 16 to 128 characters, not %d", len(s))
	}
	return ""
}

func lengthOf(least, most int) rule {
	return func(s string) string {
		if n := utf8.RuneCountInString(s); n < least || n > most {
			return fmt.Sprintf("must have %d to %d characters, not %d", least, most, n)
		}
		return ""
	}
}

func oneOf[T ~string](values ...T) rule {
	return func(s string) string {
		if slices.Contains(values, T(s)) {
			return ""
		}
		quoted := make([]string, len(values))
		for i, v := range values {
			quoted[i] = strconv.Quote(string(v))
		}
		last := len(quoted) - 1
		return "must be " + strings.Join(quoted[:last], ", ") + " or " + quoted[last] + ", not " + quoteShort(s)
	}
}

// webURL lets the empty text through: it goes back to the built-in page.
func webURL(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(s) > 2048 {
		return "must be an absolute http or https URL of at most 2048 characters, not " + quoteShort(s)
	}
	return ""
}

func tokenLife(s string) string {
	d, err := time.ParseDuration(s)
	if err != nil {
		return "must be a duration such as 4h or 90m, not " + quoteShort(s)
	}
	if d < time.Second || d > market.MaxTokenLife || d%time.Second != 0 {
		return fmt.Sprintf("must be whole seconds, from 1s to %s, not %s", duration(market.MaxTokenLife), s)
	}
	return ""
}

// The years whose instants market.ApplyWorld takes.
const firstYear, lastYear = 1970, 9999

func instant(s string) string {
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil { // stricter than time.Parse
		return "must be an instant such as 2026-11-23T12:00:00Z (RFC 3339), not " + quoteShort(s)
	}
	if y := t.UTC().Year(); y < firstYear || y > lastYear {
		return fmt.Sprintf("must be in the years %d to %d, not %s", firstYear, lastYear, quoteShort(s))
	}
	return ""
}

// duration is d as people write it: 4h, not 4h0m0s. time.ParseDuration reads it back.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// unknownKey says so, and what was probably meant.
func unknownKey(key string, known []string) string {
	best, distance := "", 3 // further apart than two edits is another word
	for _, k := range known {
		if d := edits(key, k, distance); d < distance {
			best, distance = k, d
		}
	}
	if best != "" && distance < len(best) {
		return fmt.Sprintf("is not a key here; did you mean %q?", best)
	}
	return "is not a key here; these are: " + strings.Join(known, ", ")
}

// edits is the Levenshtein distance of a and b, or limit if it is that or more.
func edits(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return min(row[len(b)], limit)
}
