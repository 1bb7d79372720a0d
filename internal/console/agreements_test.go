package console_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// buy accepts an offer past the pages.
func (s *site) buy(in market.PurchaseInput) market.Agreement {
	s.Helper()
	p, err := s.service.Buy(s.Context(), market.Operator(), in)
	if err != nil {
		s.Fatal(err)
	}
	return p.Agreement
}

// listed are the ids of the agreements that a list shows, in its order.
func (p page) listed() (ids []string) {
	for _, m := range regexp.MustCompile(`<th scope="row"><a href="/agreements/([^"]*)">`).FindAllStringSubmatch(p.body, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// link is the address behind a link's text; "" if there is none.
func (p page) link(text string) string {
	if m := regexp.MustCompile(`<a [^>]*href="([^"]*)"[^>]*>` + regexp.QuoteMeta(text) + `</a>`).FindStringSubmatch(p.body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

func TestAgreementsAreListedAndFiltered(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s := newSite(t, siteConfig{world: suiteWorld(), now: func() time.Time { return now }})
	s.get("/agreements").is(t, http.StatusOK, "No agreements yet", "souk buy")
	first := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
	now = now.Add(time.Second)
	second := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: bob, TermMonths: 1, AutoRenew: true})
	now = now.Add(time.Second)
	third := s.buy(market.PurchaseInput{ProductCode: legacy, Buyer: alice})
	if _, err := s.service.End(t.Context(), market.Operator(), third.ID, market.Terminated); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"/agreements":                                    {first.ID, second.ID, third.ID},
		"/agreements?product=" + suite:                   {first.ID, second.ID},
		"/agreements?buyer=" + alice:                     {first.ID, third.ID},
		"/agreements?status=TERMINATED":                  {third.ID},
		"/agreements?status=ACTIVE&buyer=" + alice:       {first.ID},
		"/agreements?product=" + suite + "&buyer=" + bob: {second.ID},
		"/agreements?product=nothing":                    nil,
		"/agreements?status=RENEWED":                     nil,
		"/agreements?after=" + third.ID:                  nil,
		"/agreements?after=nothing":                      nil,
	} {
		if diff := cmp.Diff(want, s.get(path).is(t, http.StatusOK).listed()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	p := s.get("/agreements").is(t, http.StatusOK, "Suite", "Acme Corporation", alice, "Active", "Terminated", "renews itself", "ended 3 Feb 2031, 04:05:08 UTC")
	if strings.Contains(p.text(), "Next page") {
		t.Error("the only page has a next one")
	}
	s.get("/agreements?status=RENEWED").is(t, http.StatusOK, "No agreement is like that")
	s.get("/agreements?after="+third.ID).is(t, http.StatusOK, "There are no more", "Back to the first page")
	s.get("/agreements?status=nonsense").is(t, http.StatusUnprocessableEntity, "There is no status nonsense")
	s.buy(market.PurchaseInput{ProductCode: legacy, Buyer: bob})
	s.get("/agreements?product="+legacy+"&buyer="+bob).is(t, http.StatusOK, "no end")
	if v, _ := s.get("/agreements?buyer=" + bob).control("buyer"); v != bob {
		t.Errorf("the filter shows buyer %q, want the one asked for", v)
	}
}

func TestAgreementsArePaged(t *testing.T) {
	w := sampleWorld()
	var want []string
	for i := range 120 {
		id := fmt.Sprintf("agmt-%04d", i)
		want = append(want, id)
		w.Agreements = append(w.Agreements, market.Agreement{ID: id, ProductCode: team, Buyer: alice, Status: market.Active})
	}
	s := newSite(t, siteConfig{world: w})
	var got []string
	pages := 0
	for path := "/agreements?product=" + team + "&status=ACTIVE"; path != ""; pages++ {
		p := s.get(path).is(t, http.StatusOK)
		got = append(got, p.listed()...)
		path = p.link("Next page")
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || pages != 3 {
		t.Errorf("%d pages; all together (-want +got):\n%s", pages, diff)
	}
}

// A page for a status that few agreements have ends after a while, wherever it is by then, and can be gone on from.
func TestALongLookForAStatusIsCutShort(t *testing.T) {
	w := sampleWorld()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 2100 {
		status := market.Cancelled
		if i == 2050 {
			status = market.Terminated
		}
		w.Agreements = append(w.Agreements, market.Agreement{
			ID: fmt.Sprintf("agmt-%04d", i), ProductCode: team, Buyer: alice, Status: status, AcceptedAt: at.Add(time.Duration(i) * time.Second), EndAt: at.AddDate(0, 1, 0),
		})
	}
	s := newSite(t, siteConfig{world: w})
	p := s.get("/agreements?status=TERMINATED").is(t, http.StatusOK, "None among these", "looked through 2000 agreements")
	if got := p.listed(); got != nil {
		t.Errorf("the first page lists %q", got)
	}
	further := p.link("Look further")
	if got := s.get(further).is(t, http.StatusOK).listed(); !slices.Equal(got, []string{"agmt-2050"}) {
		t.Errorf("%s lists %q, want the one that there is", further, got)
	}
}

func TestManyBuyersAreAskedForByTheirId(t *testing.T) {
	w := sampleWorld()
	for i := range 101 {
		w.Directory.Accounts = append(w.Directory.Accounts, account.Account{ID: fmt.Sprintf("3%011d", i), Buyer: true})
	}
	s := newSite(t, siteConfig{world: w})
	p := s.get("/agreements?buyer=" + url.QueryEscape(`"><script>`))
	if v, ok := p.control("buyer"); !ok || html.UnescapeString(v) != `"><script>` || strings.Contains(p.body, "<script>") {
		t.Errorf("the field for the buyer holds %q, %v", v, ok)
	}
	if n := strings.Count(p.body, "<option"); n > 20 {
		t.Errorf("%d options", n)
	}
}

// agreementPages are pages of agreements and answers to their forms, for the checks that hold for all pages.
func agreementPages(s *site) map[string]page {
	pages := map[string]page{"no agreements": s.get("/agreements")}
	running := s.buy(market.PurchaseInput{ProductCode: team, Buyer: alice})
	at := "/agreements/" + running.ID
	pages["agreements"], pages["agreement"] = s.get("/agreements"), s.get(at)
	pages["odd filters"] = s.get("/agreements?product=" + url.QueryEscape(nasty("")) + "&buyer=" + url.QueryEscape(nasty("")))
	pages["odd status"] = s.get("/agreements?status=" + url.QueryEscape(nasty("")))
	pages["odd day"] = s.get(at + "?day=" + url.QueryEscape(nasty("")))
	pages["odd place"] = s.get(at + "?after=" + url.QueryEscape(nasty("")))
	pages["refused"] = s.post(at+"/renew", url.Values{"seen": {s.seen(at)}, "offer": {nasty("")}, "term_months": {nasty("")}})
	pages["stale"] = s.post(at+"/renew", url.Values{"seen": {nasty("")}, "offer": {nasty("")}})
	pages["no agreement"] = s.get("/agreements/" + url.PathEscape(nasty("")))
	pages["ended"] = s.get("/agreements/" + s.ended(running.ID))
	pages["start"] = s.get("/start")
	return pages
}

func (s *site) ended(id string) string {
	s.Helper()
	if _, err := s.service.End(s.Context(), market.Operator(), id, market.Cancelled); err != nil {
		s.Fatal(err)
	}
	return id
}

func TestAgreementPagesAreStrictAndSound(t *testing.T) {
	for name, world := range map[string]market.World{"plain": sampleWorld(), "nasty": nastyWorld()} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, siteConfig{world: world, builtin: builtin})
			steering := regexp.MustCompile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f]")
			for name, p := range agreementPages(s) {
				if strings.Contains(p.body, "<script>") || strings.Contains(p.body, "<img") || strings.Contains(p.body, `" onmouseover`) || strings.Contains(p.body, "' onmouseover") {
					t.Errorf("%s: text became markup:\n%s", name, p.body)
				}
				body := regexp.MustCompile(`<input id="renew-[^>]*>`).ReplaceAllString(p.body, "") // which give back what was typed
				if at := steering.FindStringIndex(body); at != nil {
					t.Errorf("%s: a steering character stands as it is: %q", name, body[max(0, at[0]-60):at[1]])
				}
				bare := regexp.MustCompile(`(value|placeholder)="[^"]*"`).ReplaceAllString(p.body, "")
				if m := regexp.MustCompile(`<style|\sstyle=|<script [^>]*>[^<]|<[^>]*\son[a-z]+=|src="(https?:)?//`).FindString(bare); m != "" {
					t.Errorf("%s: inline or foreign: %q", name, m)
				}
				if policy := p.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
					t.Errorf("%s: policy %q", name, policy)
				}
				if n := strings.Count(p.body, "<h1>"); n != 1 {
					t.Errorf("%s: %d first headings", name, n)
				}
				unique(t, name, p)
				labelled(t, name, p)
			}
		})
	}
}
