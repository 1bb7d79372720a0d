package console_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// usageSite is a site whose clock can be set, and whose buyers use things.
type usageSite struct {
	*site
	now atomic.Pointer[time.Time]
}

// usageStart is when the clock of a usageSite begins.
var usageStart = time.Date(2026, 11, 20, 0, 10, 0, 0, time.UTC)

func newUsageSite(t *testing.T, w market.World) *usageSite {
	t.Helper()
	u := &usageSite{}
	u.set(usageStart)
	u.site = newSite(t, siteConfig{world: w, builtin: builtin, now: func() time.Time { return *u.now.Load() }})
	return u
}

func (u *usageSite) set(t time.Time) { u.now.Store(&t) }

// meter reports a quantity of an hour, counted from usageStart's.
func (u *usageSite) meter(buyer string, hour int, quantity int64) market.UsageStatus {
	u.Helper()
	var out market.BatchOutput
	err := u.service.BatchMeterUsage(context.Background(), market.Caller{Account: seller, Region: "us-east-1"}, &market.BatchInput{
		ProductCode: []byte(legacy), Records: []market.UsageInput{{
			Timestamp: usageStart.Add(time.Duration(hour)*time.Hour + 10*time.Minute), Dimension: []byte("gb"), Quantity: quantity, CustomerAWSAccountID: []byte(buyer),
		}},
	}, &out)
	if err != nil {
		u.Fatal(err)
	}
	return out.Results[0].Status
}

// whole loads a page until everything on it is there, as people would.
func (s *site) whole(path string) page {
	s.Helper()
	for range 500 {
		p := s.get(path)
		if !strings.Contains(p.body, `class="age"`) {
			return p
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.Fatalf("%s never became whole", path)
	return page{}
}

var cellPattern = regexp.MustCompile(`<td class="([^"]*)">([^<]*)(?:<i> ([^<]*)</i>)?</td>`)

// cells are the cells of a row of the heat map, as "tone|text|says".
func (p page) cells(t testing.TB, name string) (cells []string) {
	t.Helper()
	_, row, ok := strings.Cut(p.body, "<bdi>"+name+"</bdi></a> <small>")
	if !ok {
		t.Fatalf("no row of %s in\n%s", name, p.text())
	}
	row, _, _ = strings.Cut(row, "</tr>")
	for _, m := range cellPattern.FindAllStringSubmatch(row, -1) {
		cells = append(cells, html.UnescapeString(m[1]+"|"+m[2]+"|"+m[3]))
	}
	return cells
}

// has fails the test unless all of that stands in the page's source: the text of a table does not tell where a cell ends.
func (p page) has(t testing.TB, parts ...string) {
	t.Helper()
	for _, want := range parts {
		if !strings.Contains(p.body, want) {
			t.Errorf("%s: its source has no %q:\n%s", p.Request.URL, want, p.body)
		}
	}
}

func TestHeatMapShowsWhoStopped(t *testing.T) {
	u := newUsageSite(t, sampleWorld())
	u.subscribe(legacy, alice, "")
	u.subscribe(legacy, bob, "")
	for hour := 1; hour <= 20; hour++ {
		u.set(usageStart.Add(time.Duration(hour) * time.Hour).Add(30 * time.Minute))
		if hour != 5 && hour != 12 {
			u.meter(alice, hour, int64(hour))
		}
		if hour <= 3 {
			u.meter(bob, hour, 20_000)
		}
	}
	p := u.whole("/usage").is(t, http.StatusOK, "Usage of Log Search", "18 missing", "0 of them soon too late", "0 of them too late")
	// 24 columns: 20 November stands in the last 21, the hour before the subscription and those of the day before have no agreement.
	got := p.cells(t, "Acme Corporation")
	if len(got) != 24 {
		t.Fatalf("%d cells", len(got))
	}
	for i, want := range map[int]string{2: "off||no agreement", 3: "off||no agreement", 4: "q1|1|", 8: "miss|?|missing", 15: "miss|?|missing", 22: "q1|19|", 23: "q1|20|"} {
		if got[i] != want {
			t.Errorf("Acme, column %d: %q, want %q", i, got[i], want)
		}
	}
	got = p.cells(t, "Brightwater Clinics")
	for i, want := range map[int]string{3: "off||no agreement", 4: "q5|20.0k|", 6: "q5|20.0k|", 7: "miss|?|missing", 22: "miss|?|missing", 23: "open|…|not over"} {
		if got[i] != want {
			t.Errorf("Brightwater, column %d: %q, want %q", i, got[i], want)
		}
	}

	// 24 hours after its end an hour cannot be sent any more; six hours before that it is urgent. Bob's last report was in hour 3.
	u.set(usageStart.Add(32 * time.Hour))
	p = u.whole("/usage")
	got = p.cells(t, "Brightwater Clinics") // from 09:00 on
	for i, want := range map[int]string{0: "soon|!|missing, soon too late", 4: "soon|!|missing, soon too late", 6: "miss|?|missing"} {
		if got[i] != want {
			t.Errorf("a day later, column %d: %q, want %q", i, got[i], want)
		}
	}
	p = u.whole("/usage?to=" + url.QueryEscape("2026-11-21T00:00:00Z"))
	if got := p.cells(t, "Brightwater Clinics"); got[3] != "q5|20.0k|" || got[4] != "lost|×|missing, too late" {
		t.Errorf("hours that are gone: %q", got)
	}
	p.is(t, http.StatusOK, "missing", "Later hours", "Earlier hours")

	// Of one who has not reported for longer than the page goes back, everything is missing.
	u.set(usageStart.AddDate(0, 0, 9))
	p = u.whole("/usage")
	for i, cell := range p.cells(t, "Brightwater Clinics")[:22] {
		if !strings.Contains(cell, "missing") {
			t.Errorf("nine days later, column %d: %q", i, cell)
		}
	}
	// After the end of an agreement nothing is missing.
	end := u.subscribe(legacy, bob, "") + "/cancel"
	u.post(end, u.get(end).hiddenFields()).is(t, http.StatusSeeOther)
	u.set(usageStart.AddDate(0, 0, 12))
	for i, cell := range u.whole("/usage").cells(t, "Brightwater Clinics")[:22] {
		if cell != "off||no agreement" {
			t.Errorf("after the end, column %d: %q", i, cell)
		}
	}
}

func TestHeatMapShowsLateReportsAndRefusedResends(t *testing.T) {
	u := newUsageSite(t, sampleWorld())
	u.subscribe(legacy, alice, "")
	u.set(usageStart.Add(20 * time.Hour))
	u.meter(alice, 1, 7)
	u.meter(alice, 15, 7)
	if got := u.meter(alice, 15, 8); got != market.UsageDuplicate {
		t.Fatalf("a contradictory resend is %s", got)
	}
	log := func(operation, outcome, body, response string) {
		r := u.log.Begin()
		r.ID, r.Operation, r.ProductCode, r.MarketTime, r.Status, r.Account = operation+outcome, operation, legacy, usageStart, 200, alice
		if outcome != "" {
			r.Status, r.ErrorCode = 400, outcome
		}
		r.Body, r.Response = append(r.Body[:0], body...), append(r.Response[:0], response...)
		u.log.Commit(r)
	}
	record := fmt.Sprintf(`{"CustomerAWSAccountId":%q,"Dimension":"gb<b>","Quantity":8,"Timestamp":%d}`, alice, usageStart.Add(15*time.Hour).Unix())
	log("BatchMeterUsage", "", "{}", `{"Results":[{"Status":"Success","UsageRecord":{"Dimension":"gb"}},{"Status":"DuplicateRecord","UsageRecord":`+record+`}],"UnprocessedRecords":[]}`)
	log("MeterUsage", "DuplicateRequestException", fmt.Sprintf(`{"ProductCode":%q,"Timestamp":%d,"UsageDimension":"gb","UsageQuantity":1234567}`, legacy, usageStart.Add(16*time.Hour).Unix()), "{}")
	p := u.whole("/usage").is(t, http.StatusOK, "1 sent late", "2 with a refused resend", "Refused resends", "gb<b>", "1,234,567")
	got := p.cells(t, "Acme Corporation")
	for i, want := range map[int]string{4: "q5 late|7|sent late", 18: "q5 refused|7|contradictory resend refused", 19: "miss refused|?|missing, contradictory resend refused"} {
		if got[i] != want {
			t.Errorf("column %d: %q, want %q", i, got[i], want)
		}
	}
	for _, id := range []string{"BatchMeterUsage", "MeterUsageDuplicateRequestException"} {
		if !strings.Contains(p.body, `href="/requests/`+id+`"`) {
			t.Errorf("no link to request %s", id)
		}
	}
}

func TestUsageOverTimeAndTheBill(t *testing.T) {
	u := newUsageSite(t, sampleWorld())
	u.subscribe(legacy, alice, "")
	u.subscribe(legacy, bob, "")
	for hour := range 4 {
		u.set(usageStart.Add(time.Duration(hour)*time.Hour + 40*time.Minute))
		u.meter(alice, hour, 1000)
	}
	u.meter(bob, 3, 500)
	p := u.whole("/usage").is(t, http.StatusOK, "Data (GB) 4,500 in all, at most 1,500 in an hour", "The bill for November 2026, so far",
		"What has no price is not in the sums.", "Its last records are taken until 1 Dec 2026, 06:00:00 UTC.")
	p.has(t, "<bdi>Data (GB)</bdi></th><td>4,500</td><td>5</td><td>2</td><td>–</td><td>no price</td>", "<small>"+alice+"</small></th><td>4,000</td><td>4</td>", "<small>"+bob+"</small></th><td>500</td><td>1</td>")
	if !strings.Contains(p.body, `<path d="M-9 105V96L20 96L60 96`) || !strings.Contains(p.body, `L900 36L940 6H969V105Z"/>`) {
		t.Error("no line is drawn")
	}
	u.whole("/usage?buyer="+bob).is(t, http.StatusOK, "500 in all").has(t, "<bdi>Data (GB)</bdi></th><td>500</td><td>1</td><td>1</td>")
	u.whole("/usage?to=2026-10-30T00:00:00Z").is(t, http.StatusOK, "Nothing was used in these hours.", "Nothing was used in this month.", "The month is closed.")
	if p := u.whole("/usage?hours=168"); len(p.cells(t, "Acme Corporation")) != 168 {
		t.Errorf("of seven days there are %d hours", len(p.cells(t, "Acme Corporation")))
	}
	if size := len(p.body); size > 60<<10 {
		t.Errorf("the page has %d bytes", size)
	}
}

func TestBuyersArePaged(t *testing.T) {
	w := sampleWorld()
	for i := range 30 {
		w.Directory.Accounts = append(w.Directory.Accounts, account.Account{ID: fmt.Sprintf("3000000000%02d", i), Name: fmt.Sprint("Buyer ", i), Buyer: true})
	}
	u := newUsageSite(t, w)
	for i := range 30 {
		if _, err := u.service.Buy(t.Context(), market.Operator(), market.PurchaseInput{ProductCode: legacy, Buyer: fmt.Sprintf("3000000000%02d", i), OfferID: u.publicOffer()}); err != nil {
			t.Fatal(err)
		}
	}
	u.set(usageStart.Add(30 * time.Minute))
	for i := range 30 {
		u.meter(fmt.Sprintf("3000000000%02d", i), 0, 1)
	}
	p := u.whole("/usage").is(t, http.StatusOK, "More buyers", "Buyer 24")
	if strings.Contains(p.text(), "Buyer 25") || len(p.body) > 80<<10 {
		t.Errorf("a page of %d bytes has more buyers than it should", len(p.body))
	}
	next := html.UnescapeString(regexp.MustCompile(`<a href="([^"]*)" rel="next">More buyers`).FindStringSubmatch(p.body)[1])
	p = u.whole(next).is(t, http.StatusOK, "Buyer 25", "Buyer 29", "Back to the first buyers")
	p.has(t, "<bdi>Data (GB)</bdi></th><td>30</td><td>30</td><td>30</td>")
	if strings.Contains(p.text(), "Buyer 24") {
		t.Error("a buyer is on two pages")
	}
	u.whole("/usage?after=999999999999").is(t, http.StatusOK, "There are no more buyers")
}

// publicOffer is the id of the legacy product's public offer.
func (u *usageSite) publicOffer() string {
	u.Helper()
	_, offers, err := u.service.Product(u.Context(), market.Operator(), legacy)
	if err != nil {
		u.Fatal(err)
	}
	for _, o := range offers {
		if o.Kind == market.PublicOffer {
			return o.ID
		}
	}
	u.Fatal("there is no public offer")
	return ""
}
