package model

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
)

var (
	sequences = flag.Int("sequences", 60, "how many random sequences to run")
	steps     = flag.Int("steps", 100, "how many steps each has")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("rapid.checks", strconv.Itoa(*sequences)); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestSequences runs random sequences against Souk and against the model.
func TestSequences(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	var calls int
	rapid.Check(t, func(t *rapid.T) {
		r, closeIt := newRig(t)
		defer closeIt()
		s := &sequence{T: t, rig: r, model: &model{
			now: start, ledger: map[identity]*kept{}, suspended: map[string]bool{}, customers: map[string]string{},
		}}
		for range *steps {
			s.step()
			calls++
		}
		s.compare()
	})
	t.Logf("%d steps", calls)
}

// sequence is one of them under way.
type sequence struct {
	*rapid.T
	*rig
	model *model
	last  *request // to be sent again
}

func (s *sequence) step() {
	n := rapid.IntRange(0, 99).Draw(s.T, "step")
	switch {
	case n < 12 || len(s.model.agreements) == 0:
		s.buy()
	case n < 52:
		q := s.request()
		s.last = &q
		s.meter(q)
	case n < 60:
		if s.last != nil {
			s.meter(*s.last) // as it was: now it may be too late for it
		}
	case n < 66:
		s.lose()
	case n < 80:
		s.advance()
	case n < 84:
		s.end()
	case n < 87:
		s.replace()
	case n < 90:
		s.suspend()
	case n < 91:
		s.suspendBuyer()
	case n < 95:
		s.entitlements()
	default:
		s.meterUsage()
	}
}

func (s *sequence) pick(label string, list ...string) string {
	return rapid.SampledFrom(list).Draw(s.T, label)
}

func (s *sequence) chance(percent int, label string) bool {
	return rapid.IntRange(1, 100).Draw(s.T, label) <= percent
}

func (s *sequence) buy() {
	buyer := s.pick("buyer", buyerA, buyerB)
	product := s.pick("product", legacyCode, concurrentCode)
	in := market.PurchaseInput{ProductCode: product, Buyer: buyer}
	seats := int64(1)
	if product == concurrentCode {
		in.TermMonths, in.AutoRenew = 1, rapid.Bool().Draw(s.T, "auto-renew")
		if s.chance(50, "seats?") {
			seats = rapid.Int64Range(0, 99).Draw(s.T, "seats")
			in.Entitlements = []market.Entitlement{{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: seats}}}
		}
	}
	p, err := s.service.Buy(ctx, operator, in)
	if s.model.suspended[buyer] {
		if market.CodeOf(err) != market.Conflict {
			s.Fatalf("a suspended buyer bought: %v", err)
		}
		return
	}
	if err != nil {
		s.Fatalf("buy %+v: %v", in, err)
	}
	s.model.customers[p.Customer.Identifier] = buyer
	if product == legacyCode {
		if a := s.model.legacyRunning(buyer); a != nil {
			if !p.Existing || p.Agreement.ID != a.id {
				s.Fatalf("bought %s beside %s", p.Agreement.ID, a.id)
			}
			return
		}
	}
	a := &agreement{
		id: p.Agreement.ID, product: product, buyer: buyer, license: p.Agreement.LicenseARN, start: s.model.now.Truncate(time.Millisecond), status: "ACTIVE",
		autoRenew: in.AutoRenew,
	}
	if product == concurrentCode {
		a.end, a.seats = monthLater(a.start), seats
	}
	s.model.agreements = append(s.model.agreements, a)
}

// some draws an agreement, live or long over.
func (s *sequence) some() *agreement {
	return s.model.agreements[rapid.IntRange(0, len(s.model.agreements)-1).Draw(s.T, "agreement")]
}

func (s *sequence) end() {
	a := s.some()
	how := market.Status(s.pick("how", "CANCELLED", "TERMINATED", "EXPIRED"))
	_, err := s.service.End(ctx, operator, a.id, how)
	if a.status != "ACTIVE" {
		if market.CodeOf(err) != market.Conflict {
			s.Fatalf("%s, which is %s, was ended: %v", a.id, a.status, err)
		}
		return
	}
	if err != nil {
		s.Fatalf("end %s: %v", a.id, err)
	}
	a.status, a.end = string(how), s.model.now.Truncate(time.Millisecond)
}

func (s *sequence) replace() {
	a := s.some()
	got, err := s.service.Replace(ctx, operator, a.id, market.Terms{})
	if a.status != "ACTIVE" || s.model.suspended[a.buyer] {
		if market.CodeOf(err) != market.Conflict {
			s.Fatalf("%+v was replaced: %v", a, err)
		}
		return
	}
	if err != nil {
		s.Fatalf("replace %+v: %v", a, err)
	}
	now := s.model.now.Truncate(time.Millisecond)
	next := *a
	next.id, next.license, next.preceding, next.start, next.suspended = got.ID, got.LicenseARN, a.id, now, false
	if !a.end.IsZero() {
		next.end = monthLater(now)
	}
	a.status, a.end = "REPLACED", now
	s.model.agreements = append(s.model.agreements, &next)
}

func (s *sequence) suspend() {
	a := s.some()
	act := s.service.Suspend
	if a.suspended {
		act = s.service.Reinstate
	}
	_, err := act(ctx, operator, a.id)
	if a.status != "ACTIVE" {
		if market.CodeOf(err) != market.Conflict {
			s.Fatalf("%s, which is %s, was suspended or reinstated: %v", a.id, a.status, err)
		}
		return
	}
	if err != nil {
		s.Fatalf("suspend or reinstate %s: %v", a.id, err)
	}
	a.suspended = !a.suspended
}

// suspendBuyer suspends a buyer's account, or reinstates it.
func (s *sequence) suspendBuyer() {
	buyer := s.pick("buyer", buyerA, buyerB)
	w, err := s.service.World(ctx, operator)
	if err != nil {
		s.Fatalf("world: %v", err)
	}
	var change market.World
	for _, a := range w.Directory.Accounts {
		if a.ID == buyer {
			a.Suspended = !a.Suspended
			s.model.suspended[buyer] = a.Suspended
			change.Directory.Accounts = append(change.Directory.Accounts, a)
		}
	}
	if _, err := s.service.ApplyWorld(ctx, operator, change); err != nil {
		s.Fatalf("suspend %s: %v", buyer, err)
	}
}

func (s *sequence) advance() {
	moves := []time.Duration{
		time.Millisecond, time.Second, 7 * time.Minute, 59 * time.Minute, time.Hour, 61 * time.Minute, 5 * time.Hour, 23 * time.Hour, 25 * time.Hour, 6 * 24 * time.Hour, 40 * 24 * time.Hour,
	}
	to := s.model.now.Add(rapid.SampledFrom(moves).Draw(s.T, "by"))
	if s.chance(15, "to a month's end?") {
		y, m, _ := s.model.now.Date()
		to = time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC).Add(rapid.SampledFrom([]time.Duration{-time.Minute, 0, 5*time.Hour + 59*time.Minute, 6 * time.Hour}).Draw(s.T, "at"))
	}
	if ends := s.ends(); len(ends) > 0 && s.chance(30, "to an end?") {
		end := rapid.SampledFrom(ends).Draw(s.T, "end")
		to = end.Add(rapid.SampledFrom([]time.Duration{-time.Millisecond, 0, time.Hour - time.Millisecond, time.Hour}).Draw(s.T, "around"))
	}
	if !to.After(s.model.now) {
		return
	}
	s.rig.now = to
	if rapid.Bool().Draw(s.T, "settle") { // else the next call does
		if _, err := s.service.Settle(ctx, operator); err != nil {
			s.Fatalf("settle: %v", err)
		}
	}
	known := len(s.model.agreements)
	s.model.settle(to)
	s.learn(known)
}

func (s *sequence) ends() (list []time.Time) {
	for _, a := range s.model.agreements {
		if !a.end.IsZero() && a.end.Add(time.Hour).After(s.model.now) {
			list = append(list, a.end)
		}
	}
	return list
}

// learn finds out the names of the agreements that came of renewals: those the model cannot know.
func (s *sequence) learn(from int) {
	if from == len(s.model.agreements) {
		return
	}
	all := s.list()
	taken := map[string]bool{}
	for _, a := range s.model.agreements {
		taken[a.id] = true
	}
	for _, a := range s.model.agreements[from:] {
		for _, g := range all {
			if !taken[g.ID] && g.ProductCode == a.product && g.Buyer == a.buyer && g.StartAt.Equal(a.start) && g.EndAt.Equal(a.end) && (g.PrecedingID == a.preceding || a.preceding[0] == '?') {
				a.id, a.license = g.ID, g.LicenseARN
				taken[g.ID] = true
				break
			}
		}
		if a.id == "" {
			s.Fatalf("no renewal of %s from %s to %s", a.preceding, a.start, a.end)
		}
		for _, next := range s.model.agreements[from:] {
			if next.preceding == fmt.Sprint("?", slices.Index(s.model.agreements, a)) {
				next.preceding = a.id
			}
		}
	}
}

func (s *sequence) list() []market.Agreement {
	if _, err := s.service.Settle(ctx, operator); err != nil {
		s.Fatalf("settle: %v", err)
	}
	all, err := s.service.Agreements(ctx, operator, market.AgreementFilter{})
	if err != nil {
		s.Fatalf("agreements: %v", err)
	}
	return all
}

// request draws a call of BatchMeterUsage: mostly right, wrong in every way now and then.
func (s *sequence) request() request {
	q := request{account: seller, region: "us-east-1"}
	if s.chance(15, "elsewhere") {
		q.region = s.pick("region", "eu-west-1", "us-gov-west-1")
	}
	if s.chance(3, "stranger") {
		q.account = stranger
	}
	byLicense := rapid.Bool().Draw(s.T, "by license")
	if !byLicense || s.chance(10, "code too") {
		q.product = s.pick("code", legacyCode, legacyCode, legacyCode, legacyCode, legacyCode, legacyCode, legacyCode, concurrentCode, foreignCode, "nosuchproduct")
	}
	byAccount := byLicense || rapid.Bool().Draw(s.T, "by account")
	for range rapid.IntRange(0, 5).Draw(s.T, "records") {
		q.records = append(q.records, s.record(byLicense, byAccount))
	}
	return q
}

func (s *sequence) record(byLicense, byAccount bool) record {
	a := s.some()
	r := record{at: s.time(), account: a.buyer, quantity: rapid.Int64Range(0, 3).Draw(s.T, "quantity"), dimension: "gb"}
	if !byLicense && rapid.Bool().Draw(s.T, "calls") {
		r.dimension = "calls"
	}
	if byLicense {
		r.license = a.license
	}
	if !byAccount {
		r.account, r.identifier = "", s.identifier(a.buyer)
	}
	if s.chance(15, "allocated") {
		half := r.quantity / 2
		r.allocations = []int64{half, r.quantity - half}
	}
	if s.chance(4, "wrong") {
		switch rapid.IntRange(0, 7).Draw(s.T, "how") {
		case 0:
			r.dimension = s.pick("dimension", "nosuch", "seats", "GB")
		case 1:
			r.account, r.identifier = "", ""
		case 2:
			r.account, r.identifier = a.buyer, "bothOfThem00"
		case 3:
			r.account = s.pick("other", buyerA, buyerB, "999999999999")
		case 4:
			r.license = "arn:aws:license-manager::294406891311:license:l-00000000000000000000000000000000"
		case 5:
			r.identifier, r.account = "nobodyAtAll0", ""
		case 6:
			r.allocations = []int64{r.quantity, 1}
		case 7:
			r.allocations, r.sameTags = []int64{r.quantity, 0}, true
		}
	}
	return r
}

// identifier is a buyer's CustomerIdentifier, if it ever bought.
func (s *sequence) identifier(buyer string) string {
	for id, b := range s.model.customers {
		if b == buyer {
			return id
		}
	}
	return "neverBought0"
}

// time draws a record's time: mostly of the last hours, now and then at the edges of what is taken.
func (s *sequence) time() time.Time {
	if s.chance(85, "recent") {
		return s.model.now.Add(-time.Duration(rapid.IntRange(0, 150).Draw(s.T, "minutes")) * time.Minute).Truncate(time.Second)
	}
	edge := rapid.SampledFrom([]time.Duration{
		24 * time.Hour, 24*time.Hour - time.Millisecond, 23 * time.Hour, -5 * time.Minute, -5*time.Minute - time.Millisecond, 6 * time.Hour, 6*time.Hour - time.Millisecond,
		20 * 24 * time.Hour, -1000 * time.Hour,
	}).Draw(s.T, "edge")
	return s.model.now.Add(-edge)
}

// meter sends a request and holds the answer to the model's.
func (s *sequence) meter(q request) {
	var out wireResults
	code, err := s.call(s.T, s.keys[q.account], q.region, "AWSMPMeteringService.BatchMeterUsage", wire(q), &out)
	if err != nil {
		s.Fatalf("batch: %v", err)
	}
	want, results := s.model.batch(q)
	if code != want {
		s.Fatalf("batch %+v\nat %s\nanswered %q, the model says %q", q, s.model.now, code, want)
	}
	if want != "" {
		return
	}
	if len(out.Results) != len(results) || out.Results == nil || out.UnprocessedRecords == nil || len(out.UnprocessedRecords) != 0 {
		s.Fatalf("batch %+v answered %+v", q, out)
	}
	sent := wire(q)
	for i, res := range out.Results {
		w := results[i]
		if res.Status != w.status {
			s.Fatalf("record %d of %+v\nat %s\nis %s, the model says %s", i, q, s.model.now, res.Status, w.status)
		}
		if !reflect.DeepEqual(res.UsageRecord, sent.UsageRecords[i]) {
			s.Fatalf("record %+v came back as %+v", sent.UsageRecords[i], res.UsageRecord)
		}
		s.sameID(w.kept, res.MeteringRecordId)
	}
}

// sameID holds an id to the one that was told for the record before, or learns it.
func (s *sequence) sameID(k *kept, id string) {
	switch {
	case k == nil && id != "":
		s.Fatalf("a record that is not kept has the id %s", id)
	case k == nil:
	case k.id == "" && len(id) == 36:
		k.id = id
	case k.id != id:
		s.Fatalf("the record's id is %q, and was %q", id, k.id)
	}
}

// lose sends a request whose answer is lost after the commit. What was in it shows when it is sent again.
func (s *sequence) lose() {
	q := s.request()
	rule, err := s.faults.Add(fault.Rule{Operation: "BatchMeterUsage", Lose: true, Times: 1})
	if err != nil {
		s.Fatalf("fault: %v", err)
	}
	var out wireResults
	if code, err := s.call(s.T, s.keys[q.account], q.region, "AWSMPMeteringService.BatchMeterUsage", wire(q), &out); err == nil && code == "" {
		s.Fatalf("an answer came, which a fault should have lost")
	}
	s.faults.Remove(rule.ID)
	s.model.batch(q)
	s.last = &q
	if rapid.Bool().Draw(s.T, "retry at once") {
		s.meter(q)
	}
}

func (s *sequence) entitlements() {
	buyer := s.pick("buyer", buyerA, buyerB)
	want := s.model.entitled(buyer)
	got := map[string]int64{}
	in := map[string]any{"ProductCode": concurrentCode, "MaxResults": 2, "Filter": map[string][]string{"CUSTOMER_AWS_ACCOUNT_ID": {buyer}}}
	if rapid.Bool().Draw(s.T, "all buyers") {
		delete(in, "Filter")
		for license, seats := range s.model.entitled(buyerA) {
			want[license] = seats
		}
		for license, seats := range s.model.entitled(buyerB) {
			want[license] = seats
		}
	}
	for {
		var out struct {
			Entitlements []struct {
				LicenseArn string
				Dimension  string
				Value      struct{ IntegerValue *int64 }
			}
			NextToken string
		}
		code, err := s.call(s.T, s.keys[seller], "us-east-1", "AWSMPEntitlementService.GetEntitlements", in, &out)
		if code != "" || err != nil {
			s.Fatalf("entitlements: %s %v", code, err)
		}
		for _, e := range out.Entitlements {
			if _, twice := got[e.LicenseArn]; twice || e.Dimension != "seats" || e.Value.IntegerValue == nil {
				s.Fatalf("entitlement %+v", e)
			}
			got[e.LicenseArn] = *e.Value.IntegerValue
		}
		if out.NextToken == "" {
			break
		}
		in["NextToken"] = out.NextToken
	}
	if !reflect.DeepEqual(got, want) {
		s.Fatalf("at %s the entitlements are %v, the model says %v", s.model.now, got, want)
	}
}

func (s *sequence) meterUsage() {
	buyer, task := s.pick("buyer", buyerA, buyerB), s.pick("task", "task-1", "task-2")
	r := record{at: s.time(), dimension: s.pick("dimension", "calls", "calls", "calls", "gb", "nosuch"), quantity: rapid.Int64Range(0, 2).Draw(s.T, "quantity")}
	in := map[string]any{"ProductCode": legacyCode, "Timestamp": seconds(r.at), "UsageDimension": r.dimension, "UsageQuantity": r.quantity}
	dryRun := s.chance(10, "dry run")
	if dryRun {
		in["DryRun"] = true
	}
	var out struct{ MeteringRecordId string }
	code, err := s.call(s.T, s.keys[buyer+task], "us-east-1", "AWSMPMeteringService.MeterUsage", in, &out)
	if err != nil {
		s.Fatalf("meter: %v", err)
	}
	want, k := s.model.meterUsage(buyer, task, r, dryRun)
	if code != want {
		s.Fatalf("meter %v by %s at %s answered %q, the model says %q", in, buyer, s.model.now, code, want)
	}
	s.sameID(k, out.MeteringRecordId)
}

// compare holds the final state to the model's, and has Souk check itself.
func (s *sequence) compare() {
	if problems, err := s.service.Check(ctx, operator); err != nil || len(problems) > 0 {
		s.Fatalf("check: %v %v", problems, err)
	}
	records, err := s.service.Usage(ctx, operator, market.UsageFilter{})
	if err != nil {
		s.Fatalf("usage: %v", err)
	}
	if len(records) != len(s.model.ledger) {
		s.Fatalf("the ledger has %d records, the model %d", len(records), len(s.model.ledger))
	}
	for _, r := range records {
		k := s.model.ledger[identity{r.Series.Region, r.Series.ProductCode, r.Series.Buyer, r.Series.LicenseARN, r.Series.Dimension, r.Series.Resource, r.Hour()}]
		switch {
		case k == nil:
			s.Fatalf("the ledger has %+v, the model has not", r)
		case k.quantity != r.Quantity:
			s.Fatalf("the ledger says %d, the model %d: %+v", r.Quantity, k.quantity, r)
		case k.id != "" && k.id != r.ID.String():
			s.Fatalf("the ledger's id is %s, %s was told", r.ID, k.id)
		}
	}
	all := s.list()
	if len(all) != len(s.model.agreements) {
		s.Fatalf("there are %d agreements, the model has %d", len(all), len(s.model.agreements))
	}
	for _, g := range all {
		at := slices.IndexFunc(s.model.agreements, func(a *agreement) bool { return a.id == g.ID })
		if at < 0 {
			s.Fatalf("the model has no agreement %s", g.ID)
		}
		if a := s.model.agreements[at]; string(g.Status) != a.status || !g.StartAt.Equal(a.start) || !g.EndAt.Equal(a.end) || g.SuspendedAt.IsZero() == a.suspended {
			s.Fatalf("agreement %+v\nthe model says %+v", g, a)
		}
	}
}
