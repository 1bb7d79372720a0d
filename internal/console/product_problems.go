package console

import (
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/market"
)

// problem notes a finding about a field.
func (f *productForm) problem(field, reason string) {
	if f.problems == nil {
		f.problems = map[string]string{}
	}
	f.problems[field] = strings.TrimSpace(f.problems[field] + " " + sentence(reason))
}

// refused puts what the market found where it belongs. rows are those of product.
func (f *productForm) refused(found []market.Problem, rows []int) {
	for _, p := range found {
		rest, ours := strings.CutPrefix(p.Path, "products[0]")
		if !ours { // an offer that goes along, when a product is cloned
			f.problem("", p.String())
			continue
		}
		var n int
		var field string
		if _, err := fmt.Sscanf(rest, ".dimensions[%d].%s", &n, &field); err == nil && n >= 0 && n < len(rows) {
			row := &f.Rows[rows[n]]
			if row.problems == nil {
				row.problems = map[string]string{}
			}
			row.problems[field] = strings.TrimSpace(row.problems[field] + " " + sentence(p.Reason))
			continue
		}
		switch field = strings.TrimPrefix(rest, "."); field {
		case "code", "id", "seller", "kind", "dimensions":
			f.problem(field, p.Reason)
			continue
		}
		field = ""
		for start, name := range map[string]string{"registration URL": "url", "token life": "life", "token reuse": "reuse"} {
			if strings.HasPrefix(p.Reason, start) {
				field = name
			}
		}
		f.problem(field, p.Reason)
	}
}
