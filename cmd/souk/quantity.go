package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
)

// quantities says how much there is of entitled dimensions. Commands embed it.
type quantities struct {
	Set []string `sep:"none" placeholder:"DIMENSION=VALUE" help:"How much of an entitled dimension: --set seats=10, --set sso=true. Again for each; what is left out stays at what the offer, or the agreement before, says."`
}

// check finds what is wrong whatever the product.
func (q quantities) check() error {
	seen := map[string]bool{}
	for _, text := range q.Set {
		key, _, ok := strings.Cut(text, "=")
		switch {
		case !ok || key == "":
			return fmt.Errorf("--set %q: must be a dimension, an equals sign and a value, such as seats=10", text)
		case seen[key]:
			return fmt.Errorf("--set %s: it is set twice", key)
		}
		seen[key] = true
	}
	return nil
}

// of gives the values the types that the product's dimensions have.
func (q quantities) of(a *app, client *admin.Client, productCode string) (admin.Entitlements, error) {
	if len(q.Set) == 0 {
		return nil, nil
	}
	p, err := client.Product(a.ctx, productCode)
	if err != nil {
		return nil, productHint(err)
	}
	out := admin.Entitlements{}
	for _, text := range q.Set {
		key, value, _ := strings.Cut(text, "=")
		if out[key], err = quantityOf(&p, key, value); err != nil {
			return nil, fmt.Errorf("--set %s: %w", text, err)
		}
	}
	return out, nil
}

func quantityOf(p *admin.Product, key, text string) (any, error) {
	var entitled []string
	for _, d := range p.Dimensions {
		if d.Kind != market.Entitled {
			continue
		}
		if d.Key != key {
			entitled = append(entitled, d.Key)
			continue
		}
		switch d.Type {
		case market.Text:
			return text, nil
		case market.Boolean:
			switch text {
			case "true":
				return true, nil
			case "false":
				return false, nil
			}
			return nil, fmt.Errorf("%s takes true or false", key)
		case market.Double:
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
				return nil, fmt.Errorf("%s takes a number", key)
			}
			return n, nil
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s takes a whole number", key)
		}
		return n, nil
	}
	if len(entitled) == 0 {
		return nil, fmt.Errorf("product %s has no entitled dimensions", p.ProductCode)
	}
	return nil, fmt.Errorf("product %s has no entitled dimension of that name; it has %s", p.ProductCode, strings.Join(entitled, ", "))
}
