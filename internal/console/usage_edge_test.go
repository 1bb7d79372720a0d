package console_test

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

func TestUsageOfNothing(t *testing.T) {
	newSite(t, siteConfig{}).get("/usage").is(t, http.StatusOK, "There is no product to use yet", "souk apply")
	s := sampleSite(t)
	s.whole("/usage").is(t, http.StatusOK, "Nobody has used this product yet", "Nothing was used in these hours.", "Nothing was used in this month.")
	s.whole("/usage?product="+url.QueryEscape(odd)).is(t, http.StatusOK, "Usage of "+odd)
	s.whole("/usage?buyer=nobody").is(t, http.StatusOK, "nobody")
}

func TestWrongUsageAddresses(t *testing.T) {
	s := sampleSite(t)
	for query, says := range map[string]string{
		"hours=7": "Choose one of the ranges.", "hours=x": "Choose one of the ranges.", "to=yesterday": "“yesterday” is no time.",
		"to=" + url.QueryEscape(nasty("")): "is no time.", "to=1969-12-31T23:00:00Z": "is no time.", "to=10000-01-01T00:00:00Z": "is no time.",
		"buyer=" + strings.Repeat("9", 300): "is not that long", "product=" + strings.Repeat("9", 300): "is not that long",
	} {
		p := s.get("/usage?"+query).is(t, http.StatusUnprocessableEntity, says, "Show")
		if strings.Contains(p.body, "<script>") || strings.Contains(p.body, `class="heat"`) {
			t.Errorf("%s: %s", query, p.body)
		}
	}
	s.get("/usage?product=nothing").is(t, http.StatusNotFound, "There is no product “nothing”.")
	s.get("/usage?product="+url.QueryEscape(nasty(""))).is(t, http.StatusNotFound, "There is no product")
	s.post("/usage", url.Values{}).is(t, http.StatusMethodNotAllowed)
}

// The last hour of the last year has an end that cannot be written, and pages around it lead to one another nonetheless.
func TestUsageAtTheEndOfTime(t *testing.T) {
	u := newUsageSite(t, sampleWorld())
	end := time.Date(9999, 12, 31, 23, 30, 0, 0, time.UTC)
	u.set(end)
	for _, path := range []string{"/usage", "/usage?hours=168", "/usage?to=9999-12-31T23:30", "/usage/records", "/usage?to=1970-01-01", "/usage/records?from=1970-01-01&to=1970-01-02"} {
		p := u.whole(path).is(t, http.StatusOK)
		for _, m := range regexp.MustCompile(`href="(/usage[^"]*)"`).FindAllStringSubmatch(p.body, -1) {
			if to := html.UnescapeString(m[1]); !strings.HasPrefix(to, "/usage/export") {
				u.get(to).is(t, http.StatusOK)
			} else if strings.Contains(to, "10000") {
				t.Errorf("%s leads to %s", path, to)
			}
		}
	}
	p := u.whole("/usage?to=9999-12-30T05:00:00Z").is(t, http.StatusOK)
	for range 2 { // a day later, and then as far as the clock has come
		p = u.whole(p.link("Later hours ›")).is(t, http.StatusOK)
	}
	if p.link("Later hours ›") != "" || strings.Contains(p.Request.URL.RawQuery, "to=") {
		t.Errorf("the last page is %s", p.Request.URL)
	}
}

func TestUsageIsEscapedStrictAndSound(t *testing.T) {
	w := nastyWorld()
	u := newUsageSite(t, w)
	u.subscribe(legacy, alice, "")
	u.set(usageStart.Add(30 * time.Minute))
	var out market.BatchOutput
	if err := u.service.BatchMeterUsage(t.Context(), market.Caller{Account: seller, Region: "us-east-1"}, &market.BatchInput{
		ProductCode: []byte(legacy), Records: []market.UsageInput{{Timestamp: usageStart, Dimension: []byte(nasty("key")), Quantity: 1, CustomerAWSAccountID: []byte(alice)}},
	}, &out); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"usage": "/usage?product=" + legacy, "records": "/usage/records?product=" + legacy, "foreign buyer": "/usage?buyer=" + url.QueryEscape(nasty("")),
		"filtered": "/usage/records?dimension=" + url.QueryEscape(nasty("key")), "none": "/usage/records?buyer=" + url.QueryEscape(nasty("")),
	} {
		p := u.whole(path).is(t, http.StatusOK)
		body := regexp.MustCompile(`<input [^>]*>`).ReplaceAllString(p.body, "") // which give back what was typed
		for _, bad := range []string{"<script>", "<img", `" onmouseover`, "' onmouseover", "style=", "\u202e", "\x07"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s: %q stands as it is", name, bad)
			}
		}
		if strings.Contains(p.body, "<script>") || !strings.HasPrefix(p.Header.Get("Content-Security-Policy"), "default-src 'none'; ") {
			t.Errorf("%s: it lets scripts run", name)
		}
		unique(t, name, p)
		labelled(t, name, p)
	}
}

// slowStore has what is made beside a page wait at a gate: those are reads with a deadline.
type slowStore struct {
	market.Store
	gate atomic.Pointer[chan struct{}]
}

func (s *slowStore) View(ctx context.Context, fn func(market.Tx) error) error {
	if gate := s.gate.Load(); gate != nil {
		if _, ok := ctx.Deadline(); ok {
			<-*gate
		}
	}
	return s.Store.View(ctx, fn)
}

// A page does not wait for what takes long, says so, and brings the script that fills it in.
func TestUsageThatTakesLongIsFilledIn(t *testing.T) {
	store, gate := &slowStore{}, make(chan struct{})
	s := newSite(t, siteConfig{world: sampleWorld(), hasty: true, store: func(real market.Store) market.Store { store.Store = real; return store }})
	store.gate.Store(&gate)
	for path, figures := range map[string]int{"/usage": 3, "/usage/records": 1} {
		p := s.get(path).is(t, http.StatusOK)
		if n := strings.Count(p.body, " data-missing>"); n < figures {
			t.Errorf("%s: %d figures are missing, want %d:\n%s", path, n, figures, p.body)
		}
		src := regexp.MustCompile(`<script src="(/assets/usage-[0-9a-f]*\.js)" defer>`).FindStringSubmatch(p.body)
		if src == nil || !strings.Contains(p.Header.Get("Content-Security-Policy"), "connect-src 'self'") {
			t.Fatalf("%s: it has no script that may ask for them", path)
		}
		if script := s.get(src[1]); !strings.Contains(script.body, "[data-missing]") || !strings.Contains(script.body, "[data-figure]") {
			t.Errorf("the script looks for other marks than the page has:\n%s", script.body)
		}
	}
	close(gate)
	s.whole("/usage").is(t, http.StatusOK, "Nobody has used this product yet")
	s.whole("/usage/records").is(t, http.StatusOK, "No records in these hours")
}
