package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/account"
)

// usualConditions are the keys that a call of the principal brings along by itself. Where it comes from and what with (aws:SourceIp,
// aws:UserAgent, aws:SecureTransport, aws:RequestedRegion) only the call knows: those have to be given.
func usualConditions(p *account.Principal, now time.Time) map[string][]string {
	return p.Conditions(now)
}

// conditionsOf reads lines of "key = value". A key that stands several times has several values.
func conditionsOf(text string) (values map[string][]string, problem string) {
	values = map[string][]string{}
	lines := strings.Split(text, "\n")
	if len(lines) > maxConditions {
		return nil, fmt.Sprintf("At most %d lines are read.", maxConditions)
	}
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !ok || key == "" {
			return nil, fmt.Sprintf("Line %d is not of the form “key = value”.", i+1)
		}
		values[key] = append(values[key], strings.TrimSpace(value))
	}
	return values, ""
}
