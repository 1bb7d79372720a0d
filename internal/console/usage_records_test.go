package console_test

import (
	"bufio"
	"encoding/csv"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/market"
)

var (
	recordRows = regexp.MustCompile(`<tr id="([0-9a-f-]{36})">`)
	nextPage   = regexp.MustCompile(`<a href="([^"]*)" rel="next">Next page`)
	recordLink = regexp.MustCompile(`<td><a href="([^"#]*)#([0-9a-f-]{36})">`)
)

func TestRecordsArePaged(t *testing.T) {
	u := newUsageSite(t, sampleWorld())
	u.subscribe(legacy, alice, "")
	u.subscribe(legacy, bob, "")
	for hour := range 60 {
		u.set(usageStart.Add(time.Duration(hour)*time.Hour + 30*time.Minute))
		u.meter(alice, hour, int64(hour))
		u.meter(bob, hour, 1)
	}
	seen := map[string]bool{}
	pages := 0
	for at := "/usage/records?product=" + legacy; at != ""; pages++ {
		p := u.whole(at).is(t, http.StatusOK, "Usage records of Log Search")
		for _, m := range recordRows.FindAllStringSubmatch(p.body, -1) {
			if seen[m[1]] {
				t.Fatalf("record %s is on two pages", m[1])
			}
			seen[m[1]] = true
		}
		for _, m := range recordLink.FindAllStringSubmatch(p.body, -1)[:1] { // a link to a record leads to a page that begins with it
			linked := u.whole(html.UnescapeString(m[1]))
			if first := recordRows.FindStringSubmatch(linked.body); first == nil || first[1] != m[2] {
				t.Errorf("the link to %s leads to a page that begins with %v", m[2], first)
			}
		}
		at = ""
		if m := nextPage.FindStringSubmatch(p.body); m != nil {
			at = html.UnescapeString(m[1])
		}
	}
	if len(seen) != 120 || pages != 3 {
		t.Errorf("%d records on %d pages", len(seen), pages)
	}
	for query, want := range map[string]int{
		"": 50, "buyer=" + bob + "&from=2026-11-20T00:00&to=2026-11-20T05:00": 5, "dimension=gb&to=2026-11-20": 0, "dimension=none": 0, "buyer=nobody": 0,
		"product=" + url.QueryEscape(team): 0,
	} {
		if got := len(recordRows.FindAllString(u.whole("/usage/records?"+query).is(t, http.StatusOK).body, -1)); got != want {
			t.Errorf("%q: %d records, want %d", query, got, want)
		}
	}
	u.whole("/usage/records?dimension=none").is(t, http.StatusOK, "No records in these hours")
	u.whole("/usage/records?after=9000000000000000000").is(t, http.StatusOK, "There are no more records", "Back to the first page")
}

func TestRecordsNearTheEndOfTheirWindowStandOut(t *testing.T) {
	u := newUsageSite(t, sampleWorld())
	u.subscribe(legacy, alice, "")
	u.set(usageStart.Add(20*time.Hour + 30*time.Minute))
	u.meter(alice, 1, 12_345)
	u.meter(alice, 19, 1)
	p := u.whole("/usage/records").is(t, http.StatusOK, "12,345", "19h20m later, near the end of its window", "product code", "us-east-1")
	if n := strings.Count(p.body, "near the end of its window"); n != 1 {
		t.Errorf("%d records stand out", n)
	}
}

func TestWrongRecordsAddresses(t *testing.T) {
	s := sampleSite(t)
	for query, says := range map[string]string{
		"from=x": "“x” is no time.", "to=x": "“x” is no time.", "from=2026-11-20T00:00&to=2026-11-20T00:00": "The first hour must come before the last.",
		"after=x": "names no place in the list", "after=9223372036854775808": "names no place in the list", "after=-1": "names no place in the list",
		"dimension=" + strings.Repeat("x", 300): "is not that long",
	} {
		s.get("/usage/records?"+query).is(t, http.StatusUnprocessableEntity, says)
	}
	s.get("/usage/records?product=nothing").is(t, http.StatusNotFound, "There is no product “nothing”.")
}

// exportSite is the pages of a market with usage, with the control API's export behind them.
func exportSite(t *testing.T) *usageSite {
	t.Helper()
	u := newUsageSite(t, sampleWorld())
	u.subscribe(legacy, alice, "")
	u.subscribe(legacy, bob, "")
	for hour := range 3 {
		u.set(usageStart.Add(time.Duration(hour)*time.Hour + 30*time.Minute))
		u.meter(alice, hour, 10)
		u.meter(bob, hour, 1)
	}
	mux := http.NewServeMux()
	api := admin.New(admin.Config{Service: u.service})
	t.Cleanup(api.Close)
	console.New(console.Config{Service: u.service, Export: api.UsageExport(), Patience: time.Minute}).Register(mux)
	u.server.Close()
	u.server = httptest.NewServer(mux)
	t.Cleanup(u.server.Close)
	return u
}

func TestExportsAreWhatThePagesShow(t *testing.T) {
	u := exportSite(t)
	p := u.whole("/usage?buyer=" + alice)
	links := map[string]string{}
	for _, m := range regexp.MustCompile(`<a href="(/usage/export[^"]*)" download>([^<]*)</a>`).FindAllStringSubmatch(p.body, -1) {
		links[m[2]] = html.UnescapeString(m[1]) // the last of each are of the hours shown
	}
	file := u.get(links["CSV"]).is(t, http.StatusOK)
	lines, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	if err != nil || len(lines) != 4 || lines[0][0] != "record_id" {
		t.Errorf("the CSV has %d lines: %v", len(lines), err)
	}
	if got := file.Header.Get("Content-Disposition"); got != "attachment; filename=usage-"+legacy+"-"+alice+"-20261119T03-20261120T03.csv" {
		t.Errorf("Content-Disposition: %s", got)
	}
	file = u.get(links["JSON lines"]).is(t, http.StatusOK)
	n := 0
	for sc := bufio.NewScanner(strings.NewReader(file.body)); sc.Scan(); n++ {
		if !strings.Contains(sc.Text(), `"buyer":"`+alice+`"`) {
			t.Errorf("line %d: %s", n, sc.Text())
		}
	}
	if n != 3 || file.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%d lines of %s", n, file.Header.Get("Content-Type"))
	}
	for query, says := range map[string]string{"format=xml": "csv or jsonl", "": "csv or jsonl", "format=csv&from=x": "is no time"} {
		u.get("/usage/export?"+query).is(t, http.StatusUnprocessableEntity, says)
	}
	u.get("/usage/export?format=csv&product=nothing").is(t, http.StatusNotFound, "does not exist")
	sampleSite(t).get("/usage/export?format=csv").is(t, http.StatusNotFound)
}

// TestUsageFailsAsAWhole has the store fail under pages.
func TestUsageFailsAsAWhole(t *testing.T) {
	store := &brokenStore{}
	s := newSite(t, siteConfig{world: sampleWorld(), store: func(real market.Store) market.Store { store.Store = real; return store }})
	secret := errors.New("disk /dev/secret is on fire")
	store.err.Store(&secret)
	for _, path := range []string{"/usage", "/usage/records"} {
		if p := s.get(path).is(t, http.StatusInternalServerError, "Something went wrong here"); strings.Contains(p.body, "fire") {
			t.Errorf("%s tells an internal error", path)
		}
	}
	store.err.Store(nil)
	s.whole("/usage").is(t, http.StatusOK, "Nobody has used this product yet")
}
