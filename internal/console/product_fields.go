package console

import (
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// formRow is a dimension's row as the page draws it.
type formRow struct {
	Legend  string
	Fields  []formField
	Remove  string // name of the check box; "" where there is nothing to remove
	Removed bool
}

// fields are the form's controls but for the dimensions. Of a product with agreements, seller and kind cannot change; its code never does.
func (f *productForm) fields(sellers []account.Account, exists, sold bool) (list []formField) {
	add := func(v formField) {
		v.ID, v.Problem = "product-"+v.Name, f.problems[v.Name]
		list = append(list, v)
	}
	add(formField{Name: "title", Label: "Title", Input: "text", Value: f.Title})
	add(formField{Name: "description", Label: "Description", Input: "area", Value: f.Description})
	if !exists {
		add(formField{Name: "code", Label: "Product code", Input: "text", Value: f.Code, Hint: "What your code and ResolveCustomer call the product. It cannot be changed later."})
		add(formField{Name: "id", Label: "Product id", Input: "text", Value: f.ID, Placeholder: "made for you", Hint: "What the console of AWS Marketplace calls it."})
	}
	if !sold {
		add(formField{Name: "seller", Label: "Seller", Input: "choice", Choices: sellerChoices(sellers, f.Seller)})
		add(formField{Name: "kind", Label: "Agreements", Input: "choice", Hint: "At AWS, products made since June 2026 have concurrent agreements. Only legacy ones have a CustomerIdentifier.", Choices: pick(f.Kind,
			string(market.ConcurrentAgreements), "Any number for each buyer (concurrent)", string(market.Legacy), "One for each buyer (legacy)")})
	}
	add(formField{Name: "url", Label: "Registration URL", Input: "url", Value: f.URL, Placeholder: "http://localhost:8000/register",
		Hint: "Where “Set up your account” posts the token. Leave it empty for the built-in page. It holds from the next click on."})
	add(formField{Name: "life", Label: "Life of a token", Input: "text", Value: f.Life, Placeholder: "the market’s default", Hint: "Whole seconds up to " + spanText(market.MaxTokenLife) + ", such as 90s or 4h. Tokens that exist keep theirs."})
	add(formField{Name: "reuse", Label: "A token’s second redemption", Input: "choice", Choices: pick(f.Reuse,
		"", "As the market’s default says", string(market.ReuseReplay), "Gives the same answer until the token expires", string(market.ReuseSingle), "Is refused")})
	return list
}

// rows are the controls of the dimensions; the first had of them are there already.
func (f *productForm) rows(had int) (list []formRow) {
	for i, d := range f.Rows {
		r := formRow{Legend: fmt.Sprintf("Dimension %d", i+1), Removed: d.Remove}
		if i < had {
			r.Remove = rowField(i, "remove")
		}
		for _, v := range []formField{
			{Name: "key", Label: "Key", Input: "text", Value: d.Key},
			{Name: "kind", Label: "Charged", Input: "choice", Choices: pick(d.Kind, string(market.Metered), "by use (metered)", string(market.Entitled), "up front (entitled)")},
			{Name: "type", Label: "Value, if up front", Input: "choice", Choices: pick(d.Type, string(market.Integer), "a whole number", string(market.Double), "a number",
				string(market.Boolean), "yes or no", string(market.Text), "a text")},
			{Name: "name", Label: "Name", Input: "text", Value: d.Name},
			{Name: "unit", Label: "Unit", Input: "text", Value: d.Unit},
			{Name: "price", Label: "List price, USD", Input: "text", Value: d.Price, Placeholder: "0.25"},
		} {
			v.Problem = d.problems[v.Name]
			v.Name = rowField(i, v.Name)
			v.ID = strings.ReplaceAll(v.Name, ".", "-")
			r.Fields = append(r.Fields, v)
		}
		list = append(list, r)
	}
	return list
}

// pick makes choices of values and their texts. A value that is none of them is one as well, so that a form never says what was not said.
func pick(chosen string, pairs ...string) (list []choice) {
	found := false
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, choice{pairs[i], pairs[i+1], pairs[i] == chosen})
		found = found || pairs[i] == chosen
	}
	if !found {
		list = append(list, choice{chosen, plain(chosen), true})
	}
	return list
}

func sellerChoices(all []account.Account, chosen string) (list []choice) {
	var pairs []string
	names := namesOf(all)
	for _, a := range all {
		if a.Seller || a.ID == chosen {
			pairs = append(pairs, a.ID, names.of(a.ID)+" ("+a.ID+")")
		}
	}
	if chosen == "" && len(pairs) > 0 {
		chosen = pairs[0]
	}
	return pick(chosen, pairs...)
}

// difference is something that is not now what a form says.
type difference struct{ Label, Now, Yours string }

// differences compares two forms, field by field.
func differences(now, yours *productForm) (list []difference) {
	said := yours.flat()
	for i, v := range now.flat() {
		label, text := v[0], v[1]
		mine := ""
		if i < len(said) {
			mine = said[i][1]
		}
		if text != mine {
			list = append(list, difference{label, plain(text), plain(mine)})
		}
	}
	for i := len(now.flat()); i < len(said); i++ {
		list = append(list, difference{said[i][0], "", plain(said[i][1])})
	}
	return list
}

// flat is the form as labels and texts, in the same order for every form.
func (f *productForm) flat() (list [][2]string) {
	list = [][2]string{
		{"Title", f.Title}, {"Description", f.Description}, {"Seller", f.Seller}, {"Agreements", f.Kind}, {"Registration URL", f.URL}, {"Life of a token", f.Life}, {"Reuse of tokens", f.Reuse},
	}
	for i, d := range f.Rows {
		if d.Remove || d.empty() {
			continue
		}
		text := strings.Join([]string{d.Key, d.Kind, d.Type, d.Name, d.Unit, d.Price}, " · ")
		list = append(list, [2]string{fmt.Sprintf("Dimension %d", i+1), text})
	}
	return list
}
