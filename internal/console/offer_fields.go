package console

import (
	"fmt"

	"github.com/souk-market/souk/internal/market"
)

// offerTermRow is a dimension with its controls.
type offerTermRow struct {
	Legend string
	Fields []formField
}

// fields are the form's controls but for the dimensions.
func (f *offerForm) fields() (list []formField) {
	for _, v := range []formField{
		{Name: "kind", Label: "Kind", Input: "choice", Choices: pick(f.Kind, string(market.PublicOffer), "Public: for everybody", string(market.PrivateOffer), "Private: for some accounts",
			string(market.FreeTrialOffer), "Free trial")},
		{Name: "name", Label: "Name", Input: "text", Value: f.Name},
		{Name: "pricing", Label: "Pricing", Input: "choice", Choices: pick(f.Pricing, "", "As the dimensions have it", string(market.UsagePricing), "Pay as you go", string(market.ContractPricing), "Contract",
			string(market.ConsumptionPricing), "Contract with pay-as-you-go")},
		{Name: "days", Label: "Days of a free trial", Input: "number", Value: f.Days, Hint: "7 to 90; of nothing else."},
		{Name: "months", Label: "Months of a contract", Input: "number", Value: f.Months, Placeholder: fmt.Sprint(market.DefaultTermMonths)},
		{Name: "buyers", Label: "Accounts, if private", Input: "text", Value: f.Buyers, Hint: "Twelve digits each, with blanks between."},
	} {
		v.ID, v.Problem = "offer-"+v.Name, f.problems[v.Name]
		list = append(list, v)
	}
	return list
}

// terms are the controls of the dimensions.
func (f *offerForm) terms(p market.Product) (list []offerTermRow) {
	for i, d := range p.Dimensions {
		row := f.Rows[i]
		t := offerTermRow{Legend: plain(d.Name)}
		if t.Legend == "" {
			t.Legend = plain(d.Key)
		}
		price := formField{Label: "Price of one, USD", Input: "text", Placeholder: string(d.Price), Hint: "Empty: the list price.", Value: row.Price, Problem: row.priceProblem}
		if d.Kind == market.Entitled {
			price.Label = "Price of one for the term, USD"
			value := formField{Label: "Gives", Input: "text", Value: row.Value, Hint: "Empty: 1, yes, or the key.", Problem: row.valueProblem}
			if d.ValueType() == market.Boolean {
				value.Input, value.Choices = "choice", pick(row.Value, "", "As usual: yes", "true", "Yes", "false", "No")
			}
			value.Name, value.ID = valueField(d), fmt.Sprintf("value%d", i)
			t.Fields = append(t.Fields, value)
		}
		price.Name, price.ID = priceField(d), fmt.Sprintf("price%d", i)
		t.Fields = append(t.Fields, price)
		list = append(list, t)
	}
	return list
}

// offerDifferences is what is not now what a form says.
func offerDifferences(p market.Product, now, yours *offerForm) (list []difference) {
	add := func(label, now, yours string) {
		if now != yours {
			list = append(list, difference{label, plain(now), plain(yours)})
		}
	}
	add("Kind", now.Kind, yours.Kind)
	add("Name", now.Name, yours.Name)
	add("Pricing", now.Pricing, yours.Pricing)
	add("Days of a free trial", now.Days, yours.Days)
	add("Months of a contract", now.Months, yours.Months)
	add("Accounts", now.Buyers, yours.Buyers)
	for i, d := range p.Dimensions {
		add("Gives of "+plain(d.Key), now.Rows[i].Value, yours.Rows[i].Value)
		add("Price of "+plain(d.Key), now.Rows[i].Price, yours.Rows[i].Price)
	}
	return list
}
