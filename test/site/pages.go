package site

import (
	"net/http"
	"net/url"
)

// Page is a page to be looked at.
type Page struct {
	Name   string // that its screenshots go by
	Route  string // as the console registers it
	Path   string
	Status int
}

// Pages are all pages of the console, with something on each. A route may have several; * in it is one of several last parts.
func (s *Site) Pages() []Page {
	query := func(pairs ...string) string {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return "?" + v.Encode()
	}
	list := []Page{
		{Name: "products", Route: "/{$}", Path: "/"},
		{Name: "product", Route: "/products/{code...}", Path: "/products/" + s.Vault},
		{Name: "product-legacy", Route: "/products/{code...}", Path: "/products/" + s.Legacy},
		{Name: "sell", Route: "/sell", Path: "/sell"},
		{Name: "product-new", Route: "/new/product", Path: "/new/product"},
		{Name: "product-edit", Route: "/products/{code}/edit", Path: "/products/" + s.Vault + "/edit"},
		{Name: "product-clone", Route: "/products/{code}/clone", Path: "/products/" + s.Vault + "/clone"},
		{Name: "offer-new", Route: "/products/{code}/offers/new", Path: "/products/" + s.Vault + "/offers/new"},
		{Name: "offer-edit", Route: "/products/{code}/offers/{id}/edit", Path: "/products/" + s.Vault + "/offers/offer-soukvaultcon2/edit"},
		{Name: "product-try", Route: "/products/{code}/try", Path: "/products/" + s.Vault + "/try"},
		{Name: "subscriptions", Route: "/subscriptions", Path: "/subscriptions"},
		{Name: "subscription", Route: "/subscriptions/{id}", Path: "/subscriptions/" + s.Agreement},
		{Name: "subscription-ended", Route: "/subscriptions/{id}", Path: "/subscriptions/" + s.Ended},
		{Name: "subscription-contract", Route: "/subscriptions/{id}", Path: "/subscriptions/" + s.Contract},
		{Name: "subscription-change", Route: "/subscriptions/{id}/*", Path: "/subscriptions/" + s.Contract + "/change"},
		{Name: "subscription-renew", Route: "/subscriptions/{id}/*", Path: "/subscriptions/" + s.Contract + "/renew"},
		{Name: "subscription-switch", Route: "/subscriptions/{id}/*", Path: "/subscriptions/" + s.Trial + "/switch"},
		{Name: "subscription-cancel", Route: "/subscriptions/{id}/*", Path: "/subscriptions/" + s.Contract + "/cancel"},
		{Name: "start", Route: "/start", Path: "/start"},
		{Name: "agreements", Route: "/agreements", Path: "/agreements"},
		{Name: "agreement", Route: "/agreements/{id}", Path: "/agreements/" + s.Agreement},
		{Name: "agreement-final-hour", Route: "/agreements/{id}", Path: "/agreements/" + s.Ending},
		{Name: "requests", Route: "/requests", Path: "/requests"},
		{Name: "requests-filtered", Route: "/requests", Path: "/requests" + query("operation", "ResolveCustomer", "outcome", "error", "caller", "night-batch")},
		{Name: "requests-none", Route: "/requests", Path: "/requests" + query("q", "nothing is like this")},
		{Name: "request-answered", Route: "/requests/{id}", Path: "/requests/" + s.Answered},
		{Name: "request-denied", Route: "/requests/{id}", Path: "/requests/" + s.Forbidden},
		{Name: "request-signature", Route: "/requests/{id}", Path: "/requests/" + s.Tampered},
		{Name: "request-expired", Route: "/requests/{id}", Path: "/requests/" + s.Expired},
		{Name: "request-retried", Route: "/requests/{id}", Path: "/requests/" + s.Retried},
		{Name: "usage", Route: "/usage", Path: "/usage" + query("product", s.Legacy)},
		{Name: "usage-none", Route: "/usage", Path: "/usage" + query("product", s.Vault)},
		{Name: "usage-records", Route: "/usage/records", Path: "/usage/records" + query("product", s.Legacy)},
		{Name: "world", Route: "/world", Path: "/world"},
		{Name: "world-account", Route: "/world/accounts/{id}", Path: "/world/accounts/111122223333"},
		{Name: "world-policies", Route: "/world/policies", Path: "/world/policies"},
		{Name: "world-policy", Route: "/world/policy", Path: "/world/policy" + query("of", "arn:aws:iam::111122223333:policy/NightBatch")},
		{Name: "world-evaluate", Route: "/world/evaluate", Path: "/world/evaluate" + query("principal", "arn:aws:iam::111122223333:user/night-batch", "action", "aws-marketplace:ResolveCustomer")},
		{Name: "world-clock", Route: "/world/clock", Path: "/world/clock"},
		{Name: "world-faults", Route: "/world/faults", Path: "/world/faults"},
		{Name: "world-snapshots", Route: "/world/snapshots", Path: "/world/snapshots"},
		{Name: "world-restore", Route: "/world/snapshots/restore", Path: "/world/snapshots/restore" + query("name", Snapshot)},
		{Name: "error", Route: "/", Path: "/nothing/here", Status: http.StatusNotFound},
	}
	for i := range list {
		if list[i].Status == 0 {
			list[i].Status = http.StatusOK
		}
	}
	return list
}

// NoPages are the addresses of the console that answer GET with something else than a page.
func NoPages() map[string]string {
	return map[string]string{
		"/start/state":                "JSON, for the script of Start",
		"/agreements/{id}/final-hour": "JSON, for the agreement's script",
		"/requests/live":              "server-sent events",
		"/usage/export":               "a file",
		"/sign-in":                    "not there in dev, where nobody is asked who they are: TestSignIn starts another",
		"/assets/{name}":              "style sheets, scripts, the icon",
	}
}
