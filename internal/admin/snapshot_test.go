package admin

import (
	"errors"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/fault"
)

// A snapshot brings back agreements, products and the clock, and ends faults; what is only looked at stays.
func TestClientSnapshots(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newSite(t, siteConfig{})
	c := s.client
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kept, err := c.Buy(ctx, PurchaseInput{ProductCode: "legacy1"})
	must(err)
	taken, err := c.TakeSnapshot(ctx, "one.buyer")
	must(err)
	if taken.Name != "one.buyer" || taken.Bytes == 0 || time.Since(taken.TakenAt).Abs() > time.Minute {
		t.Errorf("TakeSnapshot = %+v", taken)
	}
	list, err := c.Snapshots(ctx)
	must(err)
	if len(list) != 2 || list[0] != taken || list[1].Name != "start" {
		t.Errorf("Snapshots = %+v", list)
	}
	change := func() {
		t.Helper()
		s.record("r", nil)
		_, err := c.ChangeProduct(ctx, "legacy1", ProductChange{RegistrationURL: new("https://example.com/elsewhere")})
		must(err)
		_, err = c.AdvanceClock(ctx, 10_000*time.Hour)
		must(err)
		_, err = c.AddFault(ctx, fault.Rule{Cut: true})
		must(err)
		_, err = c.Cancel(ctx, kept.AgreementID)
		must(err)
	}
	for _, tc := range []struct {
		name       string
		restore    func() (ClockState, error)
		agreements int
	}{
		{"one.buyer", func() (ClockState, error) { return c.RestoreSnapshot(ctx, "one.buyer") }, 1},
		{"again", func() (ClockState, error) { return c.RestoreSnapshot(ctx, "one.buyer") }, 1},
		{"start", func() (ClockState, error) { return c.Reset(ctx) }, 0},
	} {
		change()
		state, err := tc.restore()
		must(err)
		if state.Now.Sub(state.Wall).Abs() > time.Second || state.Frozen {
			t.Errorf("%s: the clock is %+v", tc.name, state)
		}
		page, err := c.Agreements(ctx, AgreementQuery{})
		must(err)
		if len(page.Agreements) != tc.agreements || tc.agreements > 0 && (page.Agreements[0].AgreementID != kept.AgreementID || page.Agreements[0].Status != "ACTIVE") {
			t.Errorf("%s: agreements %+v", tc.name, page.Agreements)
		}
		product, err := c.Product(ctx, "legacy1")
		must(err)
		if product.RegistrationURL == "https://example.com/elsewhere" {
			t.Errorf("%s: the product is as it was changed", tc.name)
		}
		faults, err := c.Faults(ctx)
		must(err)
		if len(faults.Faults) > 0 {
			t.Errorf("%s: faults %+v", tc.name, faults.Faults)
		}
		if requests, err := c.Requests(ctx, RequestQuery{}); err != nil || len(requests.Requests) == 0 {
			t.Errorf("%s: the log of requests is gone, %v", tc.name, err)
		}
		report, err := c.Check(ctx)
		must(err)
		if len(report.Problems) > 0 {
			t.Errorf("%s: %v", tc.name, report.Problems)
		}
	}
	must(c.DropSnapshot(ctx, "one.buyer"))
	var refused *APIError
	if _, err := c.RestoreSnapshot(ctx, "one.buyer"); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("restore what was dropped: %v", err)
	}
}
