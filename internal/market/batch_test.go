package market_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// metering is a market in which buyer has the legacy product, and two agreements of the concurrent one; second has nothing.
type metering struct {
	*fixture
	t          *testing.T
	identifier string // buyer's CustomerIdentifier
	agreement  market.Agreement
	first      market.Agreement // of the concurrent product
	other      market.Agreement
}

func openMetering(t *testing.T) *metering {
	t.Helper()
	m := &metering{fixture: open(t), t: t}
	w := market.World{Products: []market.Product{
		{Code: legacy, Seller: seller, Title: "L", Kind: market.Legacy, Dimensions: []market.Dimension{{Key: "calls", Kind: market.Metered}, {Key: "seats", Kind: market.Entitled}}},
		{Code: concurrent, Seller: seller, Title: "C", Kind: market.ConcurrentAgreements, Dimensions: []market.Dimension{{Key: "gb", Kind: market.Metered}}},
	}}
	if _, err := m.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	p := m.buy(legacy)
	m.identifier, m.agreement = p.Customer.Identifier, p.Agreement
	m.first, m.other = m.buy(concurrent).Agreement, m.buy(concurrent).Agreement
	m.now = m.now.Add(48 * time.Hour)
	return m
}

func (m *metering) buy(code string) market.Purchase {
	m.t.Helper()
	p, err := m.Buy(ctx, op, market.PurchaseInput{ProductCode: code, Buyer: buyer})
	if err != nil {
		m.t.Fatal(err)
	}
	return p
}

// usage is a record of buyer's, by account and an hour ago; change makes it what a test wants.
func (m *metering) usage(dimension string, quantity int64, change ...func(*market.UsageInput)) market.UsageInput {
	u := market.UsageInput{Timestamp: m.now.Add(-time.Hour), Dimension: []byte(dimension), Quantity: quantity, CustomerAWSAccountID: []byte(buyer)}
	for _, f := range change {
		f(&u)
	}
	return u
}

func licensed(a market.Agreement) func(*market.UsageInput) {
	return func(u *market.UsageInput) { u.LicenseARN = []byte(a.LicenseARN) }
}

func at(t time.Time) func(*market.UsageInput) {
	return func(u *market.UsageInput) { u.Timestamp = t }
}

// batch meters, and answers the statuses, or the code and the reason of what went wrong.
func (m *metering) batch(c market.Caller, code string, records ...market.UsageInput) (statuses string, out market.BatchOutput, err error) {
	err = m.BatchMeterUsage(ctx, c, &market.BatchInput{ProductCode: []byte(code), Records: records}, &out)
	var list []string
	for _, r := range out.Results {
		list = append(list, string(r.Status))
	}
	return strings.Join(list, " "), out, err
}

func (m *metering) want(statuses string, code string, records ...market.UsageInput) market.BatchOutput {
	m.t.Helper()
	got, out, err := m.batch(caller(seller), code, records...)
	if err != nil || got != statuses {
		m.t.Fatalf("statuses %q, %v; want %q", got, err, statuses)
	}
	return out
}

func (m *metering) refused(want market.Code, reason string, code string, records ...market.UsageInput) {
	m.t.Helper()
	before := m.count()
	_, _, err := m.batch(caller(seller), code, records...)
	if market.CodeOf(err) != want || !strings.Contains(fmt.Sprint(err), reason) {
		m.t.Fatalf("error %v; want %s because %q", err, want, reason)
	}
	if after := m.count(); after != before {
		m.t.Fatalf("a request that failed left %d records", after-before)
	}
}

func (m *metering) count() int64 {
	m.t.Helper()
	n, err := m.CountUsage(ctx, op, market.UsageFilter{})
	if err != nil {
		m.t.Fatal(err)
	}
	return n
}

func TestBatchIdentity(t *testing.T) {
	m := openMetering(t)
	u := m.usage("calls", 3)
	first := m.want("Success", legacy, u).Results[0].ID
	sameHour := m.usage("calls", 3, at(u.Timestamp.Add(-30*time.Minute).Add(30*time.Minute+20*time.Second)))
	if got := m.want("Success Success", legacy, u, sameHour).Results; got[0].ID != first || got[1].ID != first {
		t.Errorf("a resend has the ids %v, the first was %v", got, first)
	}
	if got := m.want("DuplicateRecord", legacy, m.usage("calls", 4)).Results[0]; got.ID != first {
		t.Errorf("the duplicate names %v, kept is %v", got.ID, first)
	}
	byIdentifier := m.usage("calls", 3, func(u *market.UsageInput) { u.CustomerAWSAccountID, u.CustomerIdentifier = nil, []byte(m.identifier) })
	if got := m.want("Success", legacy, byIdentifier).Results[0]; got.ID != first {
		t.Errorf("the same customer by its other id is another record: %v, %v", got.ID, first)
	}
	elsewhere := caller(seller)
	elsewhere.Region = "eu-west-1"
	got, out, err := m.batch(elsewhere, legacy, m.usage("calls", 9))
	if err != nil || got != "Success" || out.Results[0].ID == first {
		t.Errorf("in another Region: %s %v %v", got, out.Results, err)
	}
	m.want("Success Success DuplicateRecord", "", m.usage("gb", 1, licensed(m.first)), m.usage("gb", 2, licensed(m.other)), m.usage("gb", 3, licensed(m.first)))
	m.sound(t)

	sums, err := m.SumUsage(ctx, op, market.UsageFilter{}, []market.UsageField{market.ByDimension})
	want := []market.UsageSum{{Dimension: "calls", Records: 2, Quantity: 12}, {Dimension: "gb", Records: 2, Quantity: 3}}
	if diff := cmp.Diff(want, sums, cmpopts.IgnoreFields(market.UsageSum{}, "Lag")); diff != "" || err != nil {
		t.Errorf("sums: %v\n%s", err, diff)
	}
}

// From its third batch on, a series' number comes from where the second left it. Regions, dimensions, licenses and hours stay apart all the same.
func TestBatchSeriesAgain(t *testing.T) {
	m := openMetering(t)
	const rounds = 4
	regions := []string{"us-east-1", "eu-west-1"}
	for round := range rounds {
		for _, region := range regions {
			c := caller(seller)
			c.Region = region
			when := at(m.now.Add(-time.Duration(round+1) * time.Hour))
			if got, _, err := m.batch(c, legacy, m.usage("calls", int64(1+round), when)); got != "Success" || err != nil {
				t.Fatal(got, err)
			}
			both := []market.UsageInput{m.usage("gb", 10, when, licensed(m.first)), m.usage("gb", 100, when, licensed(m.other))}
			if got, _, err := m.batch(c, "", both...); got != "Success Success" || err != nil {
				t.Fatal(got, err)
			}
		}
	}
	list, err := m.Usage(ctx, op, market.UsageFilter{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[market.Series]int64{}
	for _, r := range list {
		got[r.Series] += r.Quantity
	}
	want := map[market.Series]int64{}
	for _, region := range regions {
		want[market.Series{Region: region, ProductCode: legacy, Buyer: buyer, Dimension: "calls"}] = 1 + 2 + 3 + 4
		want[market.Series{Region: region, ProductCode: concurrent, Buyer: buyer, Dimension: "gb", LicenseARN: m.first.LicenseARN}] = 10 * rounds
		want[market.Series{Region: region, ProductCode: concurrent, Buyer: buyer, Dimension: "gb", LicenseARN: m.other.LicenseARN}] = 100 * rounds
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBatchRefusesWhole(t *testing.T) {
	m := openMetering(t)
	good := m.usage("calls", 1)
	stranger := caller(second)
	if _, _, err := m.batch(stranger, legacy, good); market.CodeOf(err) != market.InvalidProduct {
		t.Errorf("another account's product: %v", err)
	}
	if _, _, err := m.batch(stranger, "", m.usage("gb", 1, licensed(m.first))); market.CodeOf(err) != market.InvalidLicense {
		t.Errorf("another account's license: %v", err)
	}
	gov := caller(seller)
	gov.Region = "us-gov-west-1"
	if _, _, err := m.batch(gov, legacy, good); market.CodeOf(err) != market.DisabledAPI {
		t.Errorf("a Region without it: %v", err)
	}
	both := func(u *market.UsageInput) { u.CustomerIdentifier = []byte(m.identifier) }
	only := func(u *market.UsageInput) { u.CustomerIdentifier, u.CustomerAWSAccountID = []byte(m.identifier), nil }
	for name, tt := range map[string]struct {
		want   market.Code
		reason string
		code   string
		bad    market.UsageInput
	}{
		"product":             {market.InvalidProduct, "no product", "nosuch", good},
		"no product":          {market.InvalidProduct, "neither", "", good},
		"both ids":            {market.InvalidCustomer, "record 2: it has both", legacy, m.usage("calls", 1, both)},
		"no id":               {market.InvalidCustomer, "record 2: it has neither", legacy, m.usage("calls", 1, func(u *market.UsageInput) { u.CustomerAWSAccountID = nil })},
		"two kinds of id":     {market.InvalidCustomer, "different ids", legacy, m.usage("calls", 1, only)},
		"dimension":           {market.InvalidDimension, `no dimension "Calls"`, legacy, m.usage("Calls", 1)},
		"entitled dimension":  {market.InvalidDimension, "is entitled, not metered", legacy, m.usage("seats", 1)},
		"code of concurrent":  {market.InvalidLicense, "need a LicenseArn", concurrent, m.usage("gb", 1)},
		"unknown license":     {market.InvalidLicense, "no such license", "", m.usage("gb", 1, licensed(market.Agreement{LicenseARN: "arn:x"}))},
		"license of another":  {market.InvalidLicense, "not that of", "", m.usage("gb", 1, licensed(m.first), func(u *market.UsageInput) { u.CustomerAWSAccountID = []byte(second) })},
		"license, identifier": {market.InvalidCustomer, "CustomerAWSAccountId", "", m.usage("gb", 1, licensed(m.first), only)},
		"two products":        {market.InvalidLicense, "one product a call", legacy, m.usage("gb", 1, licensed(m.first))},
		"allocations":         {market.InvalidAllocations, "record 2", legacy, m.usage("calls", 1, func(u *market.UsageInput) { u.Allocations = []market.Allocation{{Quantity: 2}} })},
	} {
		t.Run(name, func(t *testing.T) {
			m.t = t
			first := good
			if strings.Contains(name, "license") { // alone: by license, there is no product code
				m.refused(tt.want, tt.reason, tt.code, tt.bad)
				return
			}
			m.refused(tt.want, tt.reason, tt.code, first, tt.bad)
		})
	}
	m.t = t
	unknown := m.usage("calls", 1, func(u *market.UsageInput) { u.CustomerIdentifier, u.CustomerAWSAccountID = []byte("neverSeen000"), nil })
	m.refused(market.InvalidCustomer, "no customer", legacy, unknown)
	m.sound(t)
}

func TestBatchWindow(t *testing.T) {
	day := func(month time.Month, d, h, min int) time.Time {
		return time.Date(2027, month, d, h, min, 0, 0, time.UTC)
	}
	for name, tt := range map[string]struct {
		now, at time.Time
		reason  string // "": it is taken
	}{
		"now":                          {day(3, 15, 12, 0), day(3, 15, 12, 0), ""},
		"a day but a minute":           {day(3, 15, 12, 0), day(3, 14, 12, 1), ""},
		"a day":                        {day(3, 15, 12, 0), day(3, 14, 12, 0), "24h0m0s or more ago"},
		"a little ahead":               {day(3, 15, 12, 0), day(3, 15, 12, 5), ""},
		"ahead":                        {day(3, 15, 12, 0), day(3, 15, 12, 5).Add(time.Millisecond), "in the future"},
		"last month, in time":          {day(4, 1, 5, 59), day(3, 31, 23, 0), ""},
		"last month, closed":           {day(4, 1, 6, 0), day(3, 31, 23, 59), "month that was closed"},
		"this month, after the close":  {day(4, 1, 6, 0), day(4, 1, 0, 0), ""},
		"milliseconds":                 {day(3, 15, 12, 0), time.Unix(day(3, 15, 12, 0).UnixMilli(), 0), "looks like milliseconds, where seconds belong: 2027-03-15T12:00:00Z"},
		"as far as numbers go":         {day(3, 15, 12, 0), time.UnixMilli(1e18), "microseconds or nanoseconds"},
		"as far back as they go":       {day(3, 15, 12, 0), time.UnixMilli(-1e18), "24h0m0s or more ago"},
		"before there were agreements": {time.Date(2026, 11, 1, 20, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 11, 0, 0, 0, time.UTC), "before the customer's subscription"},
		"to the second of its start":   {time.Date(2026, 11, 1, 20, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := openMetering(t)
			m.now = tt.now
			u := m.usage("calls", 1, at(tt.at))
			if tt.reason == "" {
				m.want("Success", legacy, u)
				return
			}
			m.refused(market.TimestampOutOfBounds, tt.reason, legacy, m.usage("calls", 2, at(tt.now)), u)
		})
	}
}

func TestBatchFinalHour(t *testing.T) {
	m := openMetering(t)
	if _, err := m.End(ctx, op, m.agreement.ID, market.Cancelled); err != nil {
		t.Fatal(err)
	}
	if _, err := m.End(ctx, op, m.first.ID, market.Cancelled); err != nil {
		t.Fatal(err)
	}
	m.now = m.now.Add(time.Hour - time.Millisecond)
	m.want("Success", legacy, m.usage("calls", 1))
	m.want("Success Success", "", m.usage("gb", 1, licensed(m.first)), m.usage("gb", 1, licensed(m.other)))
	m.now = m.now.Add(time.Millisecond)
	out := m.want("CustomerNotSubscribed", legacy, m.usage("calls", 1))
	if out.Results[0].ID != (market.RecordID{}) || !strings.Contains(out.Note, "final hour is over") {
		t.Errorf("after the final hour: %+v", out)
	}
	m.want("CustomerNotSubscribed Success", "", m.usage("gb", 1, licensed(m.first)), m.usage("gb", 1, licensed(m.other)))
	m.want("CustomerNotSubscribed", legacy, m.usage("calls", 1, func(u *market.UsageInput) { u.CustomerAWSAccountID = []byte(second) }))
	m.want("CustomerNotSubscribed", legacy, m.usage("calls", 1, func(u *market.UsageInput) { u.CustomerAWSAccountID = []byte("123") }))
	m.sound(t)
}

func TestBatchSuspended(t *testing.T) {
	m := openMetering(t)
	m.want("Success", legacy, m.usage("calls", 1))
	if _, err := m.Suspend(ctx, op, m.agreement.ID); err != nil {
		t.Fatal(err)
	}
	m.want("CustomerNotSubscribed", legacy, m.usage("calls", 1))
	if _, err := m.Reinstate(ctx, op, m.agreement.ID); err != nil {
		t.Fatal(err)
	}
	m.want("Success", legacy, m.usage("calls", 1))
	suspend := market.World{Directory: account.State{Accounts: []account.Account{{ID: buyer, Name: "Buyer", Buyer: true, Suspended: true}}}}
	if _, err := m.ApplyWorld(ctx, op, suspend); err != nil {
		t.Fatal(err)
	}
	m.want("CustomerNotSubscribed", legacy, m.usage("calls", 1))
	m.want("CustomerNotSubscribed", "", m.usage("gb", 1, licensed(m.first)))
}

// A customer who is metered both by product code and by license in one hour is billed twice. Both are kept, and the request says so loudly.
func TestBatchBilledTwice(t *testing.T) {
	m := openMetering(t)
	first := m.want("Success", legacy, m.usage("calls", 3))
	if first.Warning != "" {
		t.Errorf("warned of %q", first.Warning)
	}
	out := m.want("Success", "", m.usage("calls", 3, licensed(m.agreement)))
	if !strings.HasPrefix(out.Warning, "BILLED TWICE") || out.Results[0].ID == first.Results[0].ID {
		t.Errorf("the second way: %+v", out)
	}
	hourBefore := m.usage("calls", 3, licensed(m.agreement), at(m.now.Add(-3*time.Hour)))
	if out := m.want("Success", "", hourBefore); out.Warning != "" {
		t.Errorf("in another hour: warned of %q", out.Warning)
	}
	if out := m.want("Success", legacy, m.usage("calls", 1, licensed(m.agreement), at(m.now.Add(-5*time.Hour)))); !strings.Contains(out.Warning, "leave ProductCode out") {
		t.Errorf("both in one request: %+v", out)
	}
	// The loud warning is not lost behind the other one.
	m.want("Success", legacy, m.usage("calls", 2, at(m.now.Add(-6*time.Hour))))
	if out := m.want("Success", legacy, m.usage("calls", 2, licensed(m.agreement), at(m.now.Add(-6*time.Hour)))); !strings.HasPrefix(out.Warning, "BILLED TWICE") {
		t.Errorf("both in one request, in an hour that was metered by code: %+v", out)
	}
	if n := m.count(); n != 6 {
		t.Errorf("%d records are kept, not 6", n)
	}
	m.sound(t)
}

func TestBatchUnprocessed(t *testing.T) {
	m := openMetering(t)
	records := []market.UsageInput{m.usage("calls", 1), m.usage("calls", 2, at(m.now.Add(-2*time.Hour))), m.usage("calls", 3, at(m.now.Add(-3*time.Hour)))}
	var out market.BatchOutput
	for _, tt := range []struct {
		unprocessed, results int
		kept                 int64
	}{{5, 0, 0}, {2, 1, 1}, {0, 3, 3}} {
		if err := m.BatchMeterUsage(ctx, caller(seller), &market.BatchInput{ProductCode: []byte(legacy), Records: records, Unprocessed: tt.unprocessed}, &out); err != nil {
			t.Fatal(err)
		}
		if n := m.count(); len(out.Results) != tt.results || n != tt.kept {
			t.Errorf("%d unprocessed: %d results, %d records are kept", tt.unprocessed, len(out.Results), n)
		}
	}
	m.want("", legacy)
	if _, _, err := m.batch(caller(seller), "nosuch"); market.CodeOf(err) != market.InvalidProduct {
		t.Errorf("no records of no product: %v", err)
	}
}

// What a change on this node did is seen by the next call, although how customers stand is kept in memory.
func TestBatchSeesChanges(t *testing.T) {
	m := openMetering(t)
	who := func(u *market.UsageInput) { u.CustomerAWSAccountID = []byte(second) }
	m.want("CustomerNotSubscribed", legacy, m.usage("calls", 1, who))
	p, err := m.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: second})
	if err != nil {
		t.Fatal(err)
	}
	m.want("Success", legacy, m.usage("calls", 1, who, at(m.now)))
	w := market.World{Products: []market.Product{{Code: legacy, Seller: seller, Title: "L", Kind: market.Legacy, Dimensions: []market.Dimension{{Key: "new", Kind: market.Metered}, {Key: "calls", Kind: market.Metered}, {Key: "seats", Kind: market.Entitled}}}}}
	m.refused(market.InvalidDimension, "", legacy, m.usage("new", 1))
	if _, err := m.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	m.want("Success", legacy, m.usage("new", 1))
	if _, err := m.End(ctx, op, p.Agreement.ID, market.Terminated); err != nil {
		t.Fatal(err)
	}
	m.now = m.now.Add(2 * time.Hour)
	m.want("CustomerNotSubscribed", legacy, m.usage("calls", 1, who))
}
