package console_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

// meter sends one record for an agreement, by license, or by its product's code.
func (s *site) meter(a market.Agreement, byLicense bool, dimension string, quantity int64, at time.Time) {
	s.Helper()
	in := market.BatchInput{Records: []market.UsageInput{{Timestamp: at, Dimension: []byte(dimension), Quantity: quantity, CustomerAWSAccountID: []byte(a.Buyer)}}}
	if byLicense {
		in.Records[0].LicenseARN = []byte(a.LicenseARN)
	} else {
		in.ProductCode = []byte(a.ProductCode)
	}
	var out market.BatchOutput
	err := s.service.BatchMeterUsage(s.Context(), market.Caller{Account: seller, Region: "us-east-1"}, &in, &out)
	if err != nil || out.Results[0].Status != market.UsageSuccess {
		s.Fatalf("%v, %+v", err, out)
	}
}

// happenings are the lines of the timeline, their times and what happened.
func (p page) happenings() (lines []string) {
	for _, m := range regexp.MustCompile(`(?s)<li(?: class="[a-z]*")?><p class="quiet"><time datetime="[^"]*">([^<]*)</time></p><p><b>([^<]*)</b>`).FindAllStringSubmatch(p.body, -1) {
		lines = append(lines, m[1]+" "+m[2])
	}
	return lines
}

// comings are the lines of what is to come.
func (p page) comings() (lines []string) {
	for _, m := range regexp.MustCompile(`<li class="coming"><p class="quiet"><time datetime="[^"]*">([^<]*)</time></p><p>To come: ([^<]*)</p>`).FindAllStringSubmatch(p.body, -1) {
		lines = append(lines, m[1]+" "+m[2])
	}
	return lines
}

func TestWhatIsToComeOfAnAgreement(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s := newSite(t, siteConfig{world: suiteWorld(), now: func() time.Time { return now }})
	coming := func(a market.Agreement, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, s.get("/agreements/"+a.ID).is(t, http.StatusOK).comings()); diff != "" {
			t.Errorf("to come (-want +got):\n%s", diff)
		}
	}
	later := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice, TermMonths: 1, AutoRenew: true, StartAt: now.AddDate(0, 0, 1)})
	coming(later, "4 Feb 2031, 04:05:06 UTC Starts", "4 Mar 2031, 04:05:06 UTC Renews itself")
	coming(s.buy(market.PurchaseInput{ProductCode: legacy, Buyer: alice}))
	s.ended(later.ID) // before it has started: there is no final hour
	coming(later)
	renewed := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: bob, TermMonths: 1})
	if _, err := s.service.Renew(t.Context(), market.Operator(), renewed.ID, market.Terms{}); err != nil {
		t.Fatal(err)
	}
	coming(renewed, "3 Mar 2031, 04:05:06 UTC Ends, and its renewal starts")
}

func TestTimelineOfAnAgreement(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s := newSite(t, siteConfig{world: suiteWorld(), now: func() time.Time { return now }})
	a := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
	at := "/agreements/" + a.ID
	now = now.Add(time.Minute)
	record := func(id, license string, status int) {
		r := s.log.Begin()
		r.ID, r.Operation, r.ProductCode, r.LicenseARN, r.MarketTime, r.Status, r.Principal = id, "ResolveCustomer", suite, license, now, status, "arn:aws:iam::111122223333:user/app"
		if status != 200 {
			r.ErrorCode, r.Reason = "ExpiredTokenException", "the token is over"
		}
		s.log.Commit(r)
	}
	record("r-mine", a.LicenseARN, 200)
	record("r-late", a.LicenseARN, 400)
	record("r-other", "arn:aws:license-manager::1:license:other", 200)
	now = now.Add(time.Minute)
	seats := []market.Entitlement{{Dimension: "seats", Value: market.Value{Integer: 7}}}
	if _, err := s.service.Amend(t.Context(), market.Operator(), a.ID, market.Amendment{Entitlements: seats}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if _, err := s.service.End(t.Context(), market.Operator(), a.ID, market.Terminated); err != nil {
		t.Fatal(err)
	}
	p := s.get(at).is(t, http.StatusOK, "Suite", "Acme Corporation", a.LicenseARN, "Seats7 Users", "By arn:aws:iam::111122223333:user/app.", "see the request", "Good until 3 Feb 2031, 08:05:06 UTC.",
		"ExpiredTokenException the token is over.", "is 7 instead of 5.")
	want := []string{
		"3 Feb 2031, 04:05:06 UTC Purchased", "3 Feb 2031, 04:05:06 UTC Started", "3 Feb 2031, 04:05:06 UTC Token minted", "3 Feb 2031, 04:06:06 UTC Token resolved", "3 Feb 2031, 04:06:06 UTC Token not resolved",
		"3 Feb 2031, 04:07:06 UTC Changed", "3 Feb 2031, 04:08:06 UTC Terminated by the seller; the final hour begins",
	}
	if diff := cmp.Diff(want, p.happenings()); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
	if got := p.comings(); !slices.Equal(got, []string{"3 Feb 2031, 05:08:06 UTC The final hour is over, and no more usage is taken"}) {
		t.Errorf("to come: %q", got)
	}
	if p.has(t, `<a href="/requests/r-mine">`); strings.Contains(p.body, "r-other") {
		t.Error("a request about another license is in the timeline")
	}
	now = now.Add(2 * time.Hour)
	if got := s.get(at).happenings(); got[len(got)-1] != "3 Feb 2031, 05:08:06 UTC Closed down: the final hour is over" {
		t.Errorf("the last line is %q", got[len(got)-1])
	}
}

func TestALongTimelineIsPaged(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s := newSite(t, siteConfig{world: suiteWorld(), now: func() time.Time { return now }})
	a := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
	for i := range 110 {
		now = now.Add(time.Second)
		seats := []market.Entitlement{{Dimension: "seats", Value: market.Value{Integer: int64(10 + i)}}}
		if _, err := s.service.Amend(t.Context(), market.Operator(), a.ID, market.Amendment{Entitlements: seats}); err != nil {
			t.Fatal(err)
		}
		if i == 105 {
			r := s.log.Begin()
			r.ID, r.Operation, r.ProductCode, r.LicenseARN, r.MarketTime, r.Status = "r-late", "ResolveCustomer", suite, a.LicenseARN, now, 200
			s.log.Commit(r)
		}
	}
	first := s.get("/agreements/"+a.ID).is(t, http.StatusOK)
	next := first.link("What came later")
	second := s.get(strings.TrimSuffix(next, "#timeline")).is(t, http.StatusOK, "Back to the beginning")
	if one, two := len(first.happenings()), len(second.happenings()); one != 101 || two != 13 { // with the token minted and the one resolved
		t.Errorf("%d and %d lines, want 101 and 13", one, two)
	}
	if one, two := first.comings(), second.comings(); one != nil || !slices.Equal(two, []string{"3 Feb 2032, 04:05:06 UTC Ends; the final hour begins"}) {
		t.Errorf("to come: %q and %q", one, two)
	}
	s.get("/agreements/"+a.ID+"?after=1000000").is(t, http.StatusOK, "No more happened.", "Back to the beginning")
	if strings.Contains(first.body, "r-late") || !strings.Contains(second.body, "r-late") {
		t.Error("a request stands on the wrong page")
	}
	s.get("/agreements/"+a.ID+"?after=x").is(t, http.StatusUnprocessableEntity, "names no place")
}

func TestTheFinalHourCountsDown(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s := newSite(t, siteConfig{world: suiteWorld(), now: func() time.Time { return now }})
	a := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
	at := "/agreements/" + a.ID
	left := func(want string) {
		t.Helper()
		p := s.get(at + "/final-hour")
		if p.StatusCode != http.StatusOK || p.Header.Get("Content-Type") != "application/json" || p.body != fmt.Sprintf(`{"left":%q}`, want) {
			t.Errorf("%d %s, want %q left", p.StatusCode, p.body, want)
		}
	}
	left("")
	if strings.Contains(s.get(at).is(t, http.StatusOK, "Meters and entitles").body, "data-final-hour") {
		t.Error("an agreement that lasts has a final hour")
	}
	s.ended(a.ID)
	now = now.Add(17*time.Minute + 30*time.Second + 400*time.Millisecond)
	s.get(at).is(t, http.StatusOK, "until 3 Feb 2031, 05:05:06 UTC", "42 minutes 30 seconds left", "takes the last usage records")
	left("42 minutes 30 seconds")
	now = time.Date(2031, 2, 3, 5, 5, 5, 0, time.UTC)
	left("1 second")
	now = now.Add(time.Second)
	left("")
	s.get(at).is(t, http.StatusOK, "Neither meters nor entitles any more")
	s.get("/agreements/none/final-hour").is(t, http.StatusNotFound)
}

func TestUsageByHour(t *testing.T) {
	now := time.Date(2031, 2, 2, 22, 30, 0, 0, time.UTC)
	s := newSite(t, siteConfig{world: suiteWorld(), now: func() time.Time { return now }})
	bought := market.PurchaseInput{ProductCode: suite, Buyer: alice}
	a, other, old := s.buy(bought), s.buy(bought), s.buy(market.PurchaseInput{ProductCode: legacy, Buyer: alice})
	now = time.Date(2031, 2, 3, 2, 10, 0, 0, time.UTC)
	s.meter(a, true, "calls", 5, now.Add(-4*time.Hour+30*time.Minute)) // 22:40
	s.meter(a, true, "calls", 20, now)
	s.meter(other, true, "calls", 9000, now)
	s.meter(old, false, "gb", 3, now.Add(-time.Hour))
	s.meter(old, true, "gb", 4, now.Add(-time.Hour))
	hours := func(p page) (rows []string) {
		for _, m := range regexp.MustCompile(`(?s)<th scope="row"><time datetime="[^"]*">([^<]*)</time></th><td>(.*?)</td><td>(\d+)</td>`).FindAllStringSubmatch(p.body, -1) {
			rows = append(rows, m[1]+" "+tag.ReplaceAllString(m[2], "|")+" "+m[3])
		}
		return rows
	}
	p := s.get("/agreements/"+a.ID).is(t, http.StatusOK, "Usage by hour, 3 Feb 2031", "calls: 20")
	if diff := cmp.Diff([]string{"00:00 nothing 0", "01:00 nothing 0", "02:00 |calls: 20| 1"}, hours(p)); diff != "" {
		t.Errorf("hours of the last day (-want +got):\n%s", diff)
	}
	if strings.Contains(p.text(), "9000") {
		t.Error("usage of another license is shown")
	}
	p = s.get(strings.TrimSuffix(p.link("The day before"), "#usage")).is(t, http.StatusOK, "2 Feb 2031")
	if diff := cmp.Diff([]string{"22:00 |calls: 5| 1", "23:00 nothing 0"}, hours(p)); diff != "" {
		t.Errorf("hours of the first day (-want +got):\n%s", diff)
	}
	if p.link("The day before") != "" || p.link("The day after") == "" {
		t.Errorf("before the first day comes %q, after it %q", p.link("The day before"), p.link("The day after"))
	}
	p = s.get("/agreements/"+old.ID).is(t, http.StatusOK, "Data: 7 GB")
	if got := hours(p); len(got) != 3 || got[1] != "01:00 |Data: 3 GB||Data: 4 GB| 2" && got[1] != "01:00 |Data: 3 GB|||Data: 4 GB| 2" {
		t.Errorf("hours of a legacy agreement: %q", got)
	}
	s.get("/agreements/"+a.ID+"?day=2020-01-01").is(t, http.StatusOK, "has no hours on this day")
	s.get("/agreements/"+a.ID+"?day=yesterday").is(t, http.StatusUnprocessableEntity, "names no day")
	contract := s.buy(market.PurchaseInput{ProductCode: team, Buyer: alice})
	s.get("/agreements/"+contract.ID).is(t, http.StatusOK, "There is nothing to meter")
}

func TestAnAgreementThatIsNotThere(t *testing.T) {
	sampleSite(t).get("/agreements/none").is(t, http.StatusNotFound, `Agreement "none" does not exist.`)
}
