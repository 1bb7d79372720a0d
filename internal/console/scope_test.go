package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

// route is a page, addresses of it as a seller would come to it and as somebody who pries would, and the statuses of its answers. What is to be typed in
// for one seller (CODE, AGREEMENT, ACCOUNT, BUYER, REQUEST, KEY, LICENSE) is replaced by each's.
type route struct {
	pattern string
	get     []string
	post    []string
	own     string // who may: "seller", "world", "buyer", "all", "" for the operator only
}

func routes() []route {
	operator := func(pattern string, get, post []string) route { return route{pattern, get, post, ""} }
	return []route{
		{"/{$}", []string{"/"}, nil, "products"},
		{"/products/{code...}", []string{"/products/CODE"}, nil, "products"},
		operator("/products/{code}/subscribe", nil, []string{"/products/CODE/subscribe?buyer=BUYER"}),
		operator("/products/{code}/registration-url", nil, []string{"/products/CODE/registration-url?url=http://evil.example/"}),
		{"/subscriptions", []string{"/subscriptions", "/subscriptions?buyer=BUYER"}, nil, "buyer"},
		{"/subscriptions/{id}", []string{"/subscriptions/AGREEMENT"}, nil, "buyer"},
		operator("/subscriptions/{id}/setup", nil, []string{"/subscriptions/AGREEMENT/setup"}),
		operator("/subscriptions/{id}/change", []string{"/subscriptions/AGREEMENT/change"}, []string{"/subscriptions/AGREEMENT/change"}),
		operator("/subscriptions/{id}/renew", []string{"/subscriptions/AGREEMENT/renew"}, []string{"/subscriptions/AGREEMENT/renew"}),
		operator("/subscriptions/{id}/switch", []string{"/subscriptions/AGREEMENT/switch"}, []string{"/subscriptions/AGREEMENT/switch"}),
		operator("/subscriptions/{id}/cancel", []string{"/subscriptions/AGREEMENT/cancel"}, []string{"/subscriptions/AGREEMENT/cancel"}),
		operator("/products/{code}/edit", []string{"/products/CODE/edit"}, []string{"/products/CODE/edit?title=Mine"}),
		operator("/products/{code}/clone", []string{"/products/CODE/clone"}, []string{"/products/CODE/clone"}),
		operator("/products/{code}/offers/new", []string{"/products/CODE/offers/new"}, []string{"/products/CODE/offers/new"}),
		operator("/products/{code}/offers/{id}/edit", []string{"/products/CODE/offers/offer-x/edit"}, []string{"/products/CODE/offers/offer-x/edit"}),
		operator("/products/{code}/try", []string{"/products/CODE/try"}, []string{"/products/CODE/try"}),
		operator("/sell", []string{"/sell"}, nil),
		operator("/world/snapshots", []string{"/world/snapshots"}, []string{"/world/snapshots?name=mine"}),
		operator("/world/snapshots/drop", nil, []string{"/world/snapshots/drop?name=start"}),
		operator("/world/snapshots/restore", []string{"/world/snapshots/restore?name=start"}, []string{"/world/snapshots/restore?name=start"}),
		operator("/new/product", []string{"/new/product"}, []string{"/new/product"}),
		operator("/start", []string{"/start"}, nil),
		operator("/start/state", []string{"/start/state"}, nil),
		{"/agreements", []string{"/agreements", "/agreements?product=CODE", "/agreements?buyer=BUYER", "/agreements?after=AGREEMENT", "/agreements?status=ACTIVE"}, nil, "seller"},
		{"/agreements/{id}", []string{"/agreements/AGREEMENT", "/agreements/AGREEMENT?after=1"}, nil, "seller"},
		{"/agreements/{id}/final-hour", []string{"/agreements/AGREEMENT/final-hour"}, nil, "seller"},
		{"/requests", []string{
			"/requests", "/requests?product=CODE", "/requests?buyer=BUYER", "/requests?license=LICENSE", "/requests?caller=ACCOUNT", "/requests?q=ACCOUNT", "/requests?before=4",
			"/requests?caller=AKIAACCOUNT", "/requests?q=sent-by", "/requests?outcome=error",
		}, nil, "seller"},
		{"/requests/live", []string{"/requests/live?after=0", "/requests/live?after=0&product=CODE"}, nil, "seller"},
		{"/requests/{id}", []string{"/requests/REQUEST", "/requests/REQUEST-of-alder", "/requests/REQUEST-of-birch", "/requests/REQUEST?as=curl"}, nil, "seller"},
		{"/requests/{id}/compare", nil, []string{"/requests/REQUEST/compare"}, "seller"},
		operator("/requests/{id}/replay", nil, []string{"/requests/REQUEST/replay"}),
		{"/usage", []string{"/usage", "/usage?product=CODE", "/usage?product=CODE&buyer=BUYER", "/usage?after=0&hours=168"}, nil, "seller"},
		{"/usage/records", []string{"/usage/records", "/usage/records?product=CODE", "/usage/records?buyer=BUYER", "/usage/records?after=1"}, nil, "seller"},
		{"/usage/export", []string{"/usage/export?format=csv&product=CODE", "/usage/export?format=jsonl&product=CODE&buyer=BUYER", "/usage/export?format=csv"}, nil, "seller"},
		{"/world", []string{"/world", "/world?after=0"}, nil, "world"},
		{"/world/accounts/{id}", []string{"/world/accounts/ACCOUNT"}, nil, "world"},
		operator("/world/accounts/{id}/keys", nil, []string{"/world/accounts/ACCOUNT/keys"}),
		operator("/world/accounts/{id}/keys/{key}/inactive", nil, []string{"/world/accounts/ACCOUNT/keys/KEY/inactive"}),
		operator("/world/accounts/{id}/keys/{key}/active", nil, []string{"/world/accounts/ACCOUNT/keys/KEY/active"}),
		operator("/world/accounts/{id}/sessions", nil, []string{"/world/accounts/ACCOUNT/sessions"}),
		{"/world/policies", []string{"/world/policies"}, nil, "world"},
		{"/world/policy", []string{"/world/policy?of=arn:aws:iam::ACCOUNT:policy/PREFIXManaged", "/world/policy?of=PREFIXManaged&in=ACCOUNT", "/world/policy?of=arn:aws:iam::ACCOUNT:user/reader"}, nil, "world"},
		{"/world/evaluate", []string{"/world/evaluate", "/world/evaluate?principal=arn:aws:iam::ACCOUNT:root"}, []string{"/world/evaluate?principal=arn:aws:iam::ACCOUNT:root&action=s3:Get"}, "world"},
		operator("/world/clock", []string{"/world/clock"}, []string{"/world/clock"}),
		operator("/world/faults", []string{"/world/faults"}, []string{"/world/faults"}),
		operator("/world/faults/clear", nil, []string{"/world/faults/clear"}),
		operator("/world/faults/{id}/remove", nil, []string{"/world/faults/1/remove"}),
		operator("/world/faults/{id}/arm", nil, []string{"/world/faults/1/arm"}),
		{"/assets/{name}", []string{"/assets/nothing.css"}, nil, "all"},
		{"/sign-in", []string{"/sign-in"}, nil, "all"},
		{"/sign-out", nil, []string{"/sign-out"}, "all"},
		{"/", []string{"/nowhere"}, nil, "all"},
	}
}

// fill puts one seller's things into an address.
func (h *houses) fill(path, seller string) string {
	code, buyer, key, prefix, name := alderCode, cedar, alderReader, "Alder", "alder"
	if seller == birch {
		code, buyer, key, prefix, name = birchCode, dogwood, birchRoot, "Birch", "birch"
	}
	a := h.agreement[code]
	return strings.NewReplacer("CODE", code, "AGREEMENT", a.ID, "ACCOUNT", seller, "BUYER", buyer, "REQUEST", "request-"+name, "KEY", key, "LICENSE", url.QueryEscape(a.LicenseARN), "PREFIX", prefix).Replace(path)
}

// secrets are what nobody but a seller and the operator may read of what is the seller's.
func (h *houses) secrets(seller string) []string {
	a := h.agreement[map[string]string{alder: alderCode, birch: birchCode}[seller]]
	list := []string{a.ID, a.LicenseARN, "AKIA" + seller, seller + ":user/signer", "remote-of-" + seller, "the message to " + seller, "sent-by&#34;:&#34;" + seller, `sent-by":"` + seller}
	if seller == birch {
		list = append(list, dogwood, "Dogwood", "birch-user", "birch-role", "BirchManaged", birchRoot, "key-of-"+birch)
	}
	return list
}

// listed are what a seller's shelf shows of it.
func listed(seller string) []string {
	name := map[string]string{alder: "Alder", birch: "Birch"}[seller]
	return []string{name + " Title", name + " Works", strings.ToLower(name) + "-code", "prod-of-" + seller, "dim-of-" + seller, seller + ".example", seller}
}

// found are the markers that stand on a page, but for those that its address brought along.
func found(p page, path string, markers []string) (list []string) {
	asked, err := url.QueryUnescape(path)
	if err != nil {
		asked = path
	}
	for _, m := range markers {
		if strings.Contains(p.body, m) && !strings.Contains(asked, m) {
			list = append(list, m)
		}
	}
	return list
}

// Every page, for everybody: nobody reads what is another's, and no page is forgotten here.
func TestNobodySeesWhatIsAnothers(t *testing.T) {
	t.Parallel()
	h := newHouses(t)
	h.trade()
	var have []string
	for _, r := range routes() {
		have = append(have, r.pattern)
		if r.get == nil && r.post == nil {
			t.Errorf("%s has no address here", r.pattern)
		}
	}
	acts := slices.DeleteFunc(h.console.Patterns(), func(p string) bool {
		rest, ok := strings.CutPrefix(p, "/agreements/{id}/")
		return ok && rest != "final-hour"
	})
	slices.Sort(have)
	if diff := cmp.Diff(acts, have); diff != "" {
		t.Errorf("pages that there are (-) and pages that are tried here (+):\n%s", diff)
	}
	list := routes()
	for _, p := range h.console.Patterns() {
		if !slices.Contains(have, p) {
			list = append(list, route{pattern: p, post: []string{strings.Replace(p, "{id}", "AGREEMENT", 1)}})
		}
	}

	seen := map[string]int{} // markers that the operator saw, or else the test could not fail
	for _, who := range []struct {
		name, key string
		may       []string // kinds of pages
		hidden    func() []string
	}{
		{"nobody", "-", nil, func() []string {
			return slices.Concat(h.secrets(alder), h.secrets(birch), listed(alder), listed(birch))
		}},
		{"a user without a policy", alderNobody, nil, func() []string { return slices.Concat(h.secrets(alder), h.secrets(birch), listed(birch)) }},
		{"a seller", alderRoot, []string{"products", "seller", "world"}, func() []string { return slices.Concat(h.secrets(birch), listed(birch)) }},
		{"a seller's reader", alderReader, []string{"products", "seller", "world"}, func() []string { return slices.Concat(h.secrets(birch), listed(birch)) }},
		{"the other seller", birchRoot, []string{"products", "seller", "world"}, func() []string { return slices.Concat(h.secrets(alder), listed(alder)) }},
		{"a buyer", cedarRoot, []string{"products", "buyer", "seller", "world"}, func() []string { return h.secrets(birch) }},
		{"the operator", "", nil, func() []string { return nil }},
	} {
		p := h.anybody()
		if who.key != "-" {
			p = h.signed(who.key)
		}
		operator, own := who.key == "", 0
		all := slices.Concat(h.secrets(birch), listed(birch))
		for _, r := range list {
			may := operator || r.own == "all" || slices.Contains(who.may, r.own)
			for _, seller := range []string{alder, birch} {
				for i, path := range slices.Concat(r.get, r.post) {
					path = h.fill(path, seller)
					what := fmt.Sprintf("%s, %s", who.name, path)
					if operator && i >= len(r.get) { // acts are tested where they are made
						continue
					}
					var got page
					if i < len(r.get) {
						got = p.get(path)
					} else {
						at, query, _ := strings.Cut(path, "?")
						form, _ := url.ParseQuery(query)
						got = p.do(http.MethodPost, at, form)
					}
					switch {
					case operator:
						for _, m := range found(got, path, all) {
							seen[m]++
						}
						continue
					case !may && who.key == "-" && got.StatusCode != http.StatusSeeOther,
						!may && who.key != "-" && got.StatusCode != http.StatusForbidden,
						got.StatusCode >= 500:
						t.Errorf("%s: %s", what, got.Status)
					}
					if bad := found(got, path, who.hidden()); bad != nil {
						t.Errorf("%s: shows %q:\n%s", what, bad, got.text())
					}
					if who.key == alderReader && seller == alder && got.StatusCode == http.StatusOK {
						own += len(found(got, path, []string{"Cedar Buyers", "Alder Title", h.agreement[alderCode].ID, "request-alder", "AlderManaged", alderRoot}))
					}
					if who.key != "-" && strings.Contains(got.body, secretOf) {
						t.Errorf("%s: shows a secret", what)
					}
				}
			}
		}
		if who.key == alderReader && own < 20 {
			t.Errorf("%s sees %d things of its own only", who.name, own)
		}
	}
	for _, m := range slices.Concat(h.secrets(birch), listed(birch)) {
		if seen[m] == 0 && !strings.HasPrefix(m, "sent-by") && !strings.HasPrefix(m, "the message") && m != "key-of-"+birch {
			t.Errorf("not even the operator sees %q: this test does not know where it would be", m)
		}
	}
	for code, a := range h.agreement { // nothing was done by those who may not
		now, _, err := h.service.Agreement(t.Context(), market.Operator(), a.ID)
		if diff := cmp.Diff(a, now); err != nil || diff != "" {
			t.Errorf("the agreement on %s changed (%v):\n%s", code, err, diff)
		}
	}
	dir, err := h.service.DirectoryState(t.Context(), market.Operator())
	if err != nil || len(dir.Keys) != len(housesWorld().Directory.Keys) {
		t.Errorf("there are %d keys (%v)", len(dir.Keys), err)
	}
}

// What a seller asks for by the id of another's is as if it were not there, and no filter, cursor or file reaches it.
func TestAnothersThingsAreNotThere(t *testing.T) {
	t.Parallel()
	h := newHouses(t)
	h.trade()
	p := h.signed(alderReader)
	for path, is := range map[string]int{
		"/products/CODE": 404, "/agreements/AGREEMENT": 404, "/agreements/AGREEMENT/final-hour": 404, "/requests/REQUEST": 404, "/usage?product=CODE": 404,
		"/usage/records?product=CODE": 404, "/usage/export?format=csv&product=CODE": 404, "/world/accounts/ACCOUNT": 404, "/usage/export?format=csv": 422,
	} {
		theirs, own := h.fill(path, birch), h.fill(path, alder)
		p.get(theirs).is(t, is)
		if is == http.StatusNotFound {
			p.get(own).is(t, http.StatusOK)
			nothing := strings.NewReplacer(birchCode, "no-code", h.agreement[birchCode].ID, "agmt-none", "request-birch", "request-none", birch, "909090909090").Replace(theirs)
			same := strings.NewReplacer(birchCode, "X", h.agreement[birchCode].ID, "X", "request-birch", "X", birch, "X", "no-code", "X", "agmt-none", "X", "request-none", "X", "909090909090", "X")
			clean := func(q page) string { text, _, _ := strings.Cut(same.Replace(q.text()), "Market time"); return text }
			if diff := cmp.Diff(clean(p.get(nothing)), clean(p.get(theirs))); diff != "" {
				t.Errorf("%s can be told from %s:\n%s", theirs, nothing, diff)
			}
		}
	}
	p.get("/requests/request-birch-of-alder").is(t, http.StatusOK, "Alder Title")
	if body := p.get("/requests/request-alder").is(t, http.StatusOK).body; strings.Contains(body, "was published by") {
		t.Error("a seller reads the truth that callers are not told")
	}
}
