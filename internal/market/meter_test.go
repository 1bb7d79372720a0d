package market_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// workloads is a market in which buyer has the legacy product, which meters hours and bytes and sells seats, and second has nothing.
type workloads struct {
	*fixture
	t         *testing.T
	agreement market.Agreement
}

func openWorkloads(t *testing.T) *workloads {
	t.Helper()
	w := &workloads{fixture: open(t), t: t}
	if _, err := w.ApplyWorld(ctx, op, market.World{Products: []market.Product{
		{Code: legacy, Seller: seller, Title: "L", Kind: market.Legacy, Dimensions: []market.Dimension{
			{Key: "hours", Kind: market.Metered}, {Key: "bytes", Kind: market.Metered},
		}},
		{Code: concurrent, Seller: seller, Title: "C", Kind: market.ConcurrentAgreements, Dimensions: []market.Dimension{
			{Key: "hours", Kind: market.Metered}, {Key: "seats", Kind: market.Entitled},
		}},
	}}); err != nil {
		t.Fatal(err)
	}
	p, err := w.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
	if err != nil {
		t.Fatal(err)
	}
	w.agreement = p.Agreement
	w.now = w.now.Add(48*time.Hour + 34*time.Minute + 56*time.Second) // 12:34:56
	return w
}

// workload is a session of a role of buyer's.
func workload(kind account.Workload, session string) market.Caller {
	return market.Caller{
		Account: buyer, Region: "us-east-1", Workload: kind, Session: session,
		ARN: "arn:aws:sts::" + buyer + ":assumed-role/worker/" + session,
	}
}

// hours is an hour and a half ago's usage; change makes it what a test wants.
func (w *workloads) hours(quantity int64, change ...func(*market.MeterUsageInput)) *market.MeterUsageInput {
	in := &market.MeterUsageInput{ProductCode: legacy, Timestamp: w.now.Add(-90 * time.Minute), Dimension: "hours", Quantity: quantity}
	for _, f := range change {
		f(in)
	}
	return in
}

func token(s string) func(*market.MeterUsageInput) {
	return func(in *market.MeterUsageInput) { in.ClientToken = s }
}

func (w *workloads) meter(c market.Caller, in *market.MeterUsageInput) market.RecordID {
	w.t.Helper()
	id, err := w.MeterUsage(ctx, c, in)
	if err != nil || id == (market.RecordID{}) {
		w.t.Fatalf("%v, %v; want a record", id, err)
	}
	return id
}

// ledger is what was metered, without the ids.
func (w *workloads) ledger() []market.UsageRecord {
	w.t.Helper()
	list, err := w.Usage(ctx, op, market.UsageFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range list {
		list[i].ID, list[i].Position = market.RecordID{}, 0
	}
	return list
}

func TestMeterUsageRecord(t *testing.T) {
	w := openWorkloads(t)
	task := workload(account.ECSTask, "task-1")
	in := w.hours(7, token("t"))
	in.Allocations = []market.Allocation{{Quantity: 7, Tags: []market.Tag{{Key: []byte("b"), Value: []byte("2")}, {Key: []byte("a"), Value: []byte("1")}}}}
	w.meter(task, in)
	list := w.ledger()
	if len(list) != 1 {
		t.Fatalf("%d records, want 1", len(list))
	}
	allocated, err := list[0].Allocated()
	if err != nil {
		t.Fatal(err)
	}
	want := []market.Allocation{{Quantity: 7, Tags: []market.Tag{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("b"), Value: []byte("2")}}}}
	if diff := cmp.Diff(want, allocated); diff != "" {
		t.Error(diff)
	}
	list[0].Allocations = nil
	if diff := cmp.Diff(market.UsageRecord{
		Series:    market.Series{Region: "us-east-1", ProductCode: legacy, Buyer: buyer, Dimension: "hours", Resource: "task-1"},
		Timestamp: time.Date(2026, 11, 3, 11, 0, 0, 0, time.UTC), Quantity: 7, SubmittedAt: w.now,
	}, list[0]); diff != "" {
		t.Error(diff)
	}
	w.sound(t)
}

func TestMeterUsageRefusals(t *testing.T) {
	w := openWorkloads(t)
	instance := workload(account.EC2Instance, "i-1")
	as := func(change func(*market.Caller)) market.Caller {
		c := instance
		change(&c)
		return c
	}
	in := func(change func(*market.MeterUsageInput)) *market.MeterUsageInput { return w.hours(1, change) }
	ok := w.hours(1)
	started := w.agreement.StartAt
	for name, tt := range map[string]struct {
		caller market.Caller
		in     *market.MeterUsageInput
		code   market.Code
		reason string
	}{
		"Region without it":         {as(func(c *market.Caller) { c.Region = "cn-northwest-1" }), ok, market.InvalidEndpoint, "does not exist in"},
		"Region without AgentCore":  {as(func(c *market.Caller) { c.Region, c.Workload = "eu-west-1", account.AgentCore }), ok, market.InvalidEndpoint, "does not exist in"},
		"Region without containers": {as(func(c *market.Caller) { c.Region, c.Workload = "il-central-1", account.EKSPod }), ok, market.InvalidEndpoint, "does not exist in"},
		"unknown product":           {instance, in(func(i *market.MeterUsageInput) { i.ProductCode = "x" }), market.InvalidProduct, ""},
		"another Region's workload": {as(func(c *market.Caller) { c.WorkloadRegion = "eu-west-1" }), ok, market.InvalidEndpoint, "eu-west-1"},
		"static keys":               {as(func(c *market.Caller) { c.Workload, c.Session = "", "" }), ok, market.NotEntitled, "workload"},
		"a session without a name":  {as(func(c *market.Caller) { c.Session = "" }), ok, market.NotEntitled, "workload"},
		"a plain role":              {as(func(c *market.Caller) { c.Workload = "" }), ok, market.NotEntitled, "workload"},
		"never bought":              {as(func(c *market.Caller) { c.Account = second }), ok, market.NotEntitled, "never bought"},
		"bought another product":    {instance, in(func(i *market.MeterUsageInput) { i.ProductCode = concurrent }), market.NotEntitled, "never bought"},
		"unknown dimension":         {instance, in(func(i *market.MeterUsageInput) { i.Dimension = "Hours" }), market.InvalidDimension, "Hours"},
		"negative":                  {instance, w.hours(-1), market.Invalid, ""},
		"more than an integer":      {instance, w.hours(1 << 31), market.Invalid, ""},
		"six hours ago":             {instance, in(func(i *market.MeterUsageInput) { i.Timestamp = w.now.Add(-6 * time.Hour) }), market.TimestampOutOfBounds, "6h0m0s or more ago"},
		"future":                    {instance, in(func(i *market.MeterUsageInput) { i.Timestamp = w.now.Add(5*time.Minute + time.Second) }), market.TimestampOutOfBounds, "future"},
		"milliseconds":              {instance, in(func(i *market.MeterUsageInput) { i.Timestamp = time.Unix(w.now.UnixMilli(), 0) }), market.TimestampOutOfBounds, "milliseconds"},
		"allocations do not add up": {instance, in(func(i *market.MeterUsageInput) { i.Allocations = []market.Allocation{{Quantity: 2}} }), market.InvalidAllocations, ""},
		"a tag without a key": {instance, in(func(i *market.MeterUsageInput) {
			i.Allocations = []market.Allocation{{Quantity: 1, Tags: []market.Tag{{}}}}
		}), market.InvalidTag, ""},
		"dry run":                     {instance, in(func(i *market.MeterUsageInput) { i.DryRun = true }), market.DryRun, ""},
		"dry run of what is refused":  {instance, in(func(i *market.MeterUsageInput) { i.DryRun, i.Dimension = true, "x" }), market.InvalidDimension, ""},
		"product before workload":     {as(func(c *market.Caller) { c.Workload = "" }), in(func(i *market.MeterUsageInput) { i.ProductCode = "x" }), market.InvalidProduct, ""},
		"entitlement before quantity": {as(func(c *market.Caller) { c.Account = second }), w.hours(-1), market.NotEntitled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := w.MeterUsage(ctx, tt.caller, tt.in)
			if market.CodeOf(err) != tt.code || id != (market.RecordID{}) || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("%v, %v; want %s, with %q in it", id, err, tt.code, tt.reason)
			}
		})
	}
	t.Run("before the agreement", func(t *testing.T) {
		w.now = started.Add(2 * time.Hour)
		early := in(func(i *market.MeterUsageInput) { i.Timestamp = started.Add(-time.Millisecond) })
		if _, err := w.MeterUsage(ctx, instance, early); market.CodeOf(err) != market.TimestampOutOfBounds {
			t.Errorf("%v, want %s", err, market.TimestampOutOfBounds)
		}
	})
	if n, err := w.CountUsage(ctx, op, market.UsageFilter{}); n != 0 || err != nil {
		t.Errorf("%d records are kept, %v; want none", n, err)
	}
}

func TestMeterUsageBounds(t *testing.T) {
	w := openWorkloads(t)
	for name, tt := range map[string]struct {
		caller market.Caller
		change func(*market.MeterUsageInput)
	}{
		"almost six hours ago":   {workload(account.EC2Instance, "a"), func(i *market.MeterUsageInput) { i.Timestamp = w.now.Add(-6*time.Hour + time.Millisecond) }},
		"a clock that is fast":   {workload(account.EC2Instance, "b"), func(i *market.MeterUsageInput) { i.Timestamp = w.now.Add(5 * time.Minute) }},
		"nothing":                {workload(account.EC2Instance, "c"), func(i *market.MeterUsageInput) { i.Quantity = 0 }},
		"as much as there is":    {workload(account.EC2Instance, "d"), func(i *market.MeterUsageInput) { i.Quantity = 1<<31 - 1 }},
		"GovCloud":               {market.Caller{Account: buyer, Region: "us-gov-west-1", Workload: account.EC2Instance, Session: "e"}, func(*market.MeterUsageInput) {}},
		"in the workload Region": {market.Caller{Account: buyer, Region: "eu-west-1", WorkloadRegion: "eu-west-1", Workload: account.EKSPod, Session: "f"}, func(*market.MeterUsageInput) {}},
		// The seller tries its product out: no agreement is asked for.
		"preview": {market.Caller{Account: seller, Region: "us-east-1", Workload: account.ECSTask, Session: "g"}, func(*market.MeterUsageInput) {}},
	} {
		if _, err := w.MeterUsage(ctx, tt.caller, w.hours(1, tt.change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.sound(t)
}

// An agreement that started within an hour covers that hour: times are rounded down.
func TestMeterUsageFirstHour(t *testing.T) {
	w := openWorkloads(t)
	w.now = w.now.Add(30 * 24 * time.Hour)
	start := w.now.Truncate(time.Hour).Add(30 * time.Minute)
	w.now = start
	if _, err := w.Buy(ctx, op, market.PurchaseInput{ProductCode: concurrent, Buyer: buyer}); err != nil {
		t.Fatal(err)
	}
	w.now = start.Add(10 * time.Minute)
	for name, tt := range map[string]struct {
		kind account.Workload
		at   time.Time
		code market.Code
	}{
		"rounded by the caller":         {account.EKSPod, start.Truncate(time.Hour), ""},
		"the hour before":               {account.EKSPod, start.Truncate(time.Hour).Add(-time.Millisecond), market.TimestampOutOfBounds},
		"AgentCore, at the start":       {account.AgentCore, start, ""},
		"AgentCore, a minute before it": {account.AgentCore, start.Add(-time.Minute), market.TimestampOutOfBounds},
	} {
		in := w.hours(1, token(name))
		in.ProductCode, in.Timestamp = concurrent, tt.at
		if _, err := w.MeterUsage(ctx, workload(tt.kind, "s"), in); market.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %q", name, err, tt.code)
		}
	}
	w.sound(t)
}

// A workload meters a dimension once an hour.
func TestMeterUsageIdentity(t *testing.T) {
	w := openWorkloads(t)
	task := workload(account.ECSTask, "task-1")
	first := w.meter(task, w.hours(7))
	same := func(name string, c market.Caller, in *market.MeterUsageInput) {
		t.Helper()
		if id := w.meter(c, in); id != first {
			t.Errorf("%s: record %v, want the first one, %v", name, id, first)
		}
	}
	other := func(name string, c market.Caller, in *market.MeterUsageInput) {
		t.Helper()
		if id := w.meter(c, in); id == first {
			t.Errorf("%s: the first record's id", name)
		}
	}
	same("again", task, w.hours(7))
	same("at another minute of the hour", task, w.hours(7, func(i *market.MeterUsageInput) { i.Timestamp = i.Timestamp.Add(-4 * time.Minute) }))
	same("under a client token", task, w.hours(7, token("one")))
	same("under another", task, w.hours(7, token("two")))
	for name, in := range map[string]*market.MeterUsageInput{
		"another quantity":                  w.hours(8),
		"another quantity, under a token":   w.hours(8, token("three")),
		"another quantity, under it again":  w.hours(8, token("three")),
		"allocations where there were none": w.hours(7, func(i *market.MeterUsageInput) { i.Allocations = []market.Allocation{{Quantity: 7}} }),
	} {
		if _, err := w.MeterUsage(ctx, task, in); market.CodeOf(err) != market.DuplicateRequest {
			t.Errorf("%s: %v, want %s", name, err, market.DuplicateRequest)
		}
	}
	other("another task", workload(account.ECSTask, "task-2"), w.hours(8))
	other("another hour", task, w.hours(8, func(i *market.MeterUsageInput) { i.Timestamp = i.Timestamp.Add(-time.Hour) }))
	other("another dimension", task, w.hours(8, func(i *market.MeterUsageInput) { i.Dimension = "bytes" }))
	abroad := task
	abroad.Region = "eu-west-1"
	other("another Region", abroad, w.hours(8))
	if n := len(w.ledger()); n != 5 {
		t.Errorf("%d records, want 5", n)
	}
	w.sound(t)
}

func TestMeterUsageClientToken(t *testing.T) {
	w := openWorkloads(t)
	task := workload(account.ECSTask, "task-1")
	call := w.hours(7, token("T"), func(i *market.MeterUsageInput) {
		i.Allocations = []market.Allocation{{Quantity: 3}, {Quantity: 4, Tags: []market.Tag{{Key: []byte("a"), Value: []byte("1")}}}}
	})
	first := w.meter(task, call)
	turned := *call
	turned.Allocations = []market.Allocation{call.Allocations[1], call.Allocations[0]}
	for name, in := range map[string]*market.MeterUsageInput{"again": call, "allocations in another order": &turned} {
		if id := w.meter(task, in); id != first {
			t.Errorf("%s: %v, want %v", name, id, first)
		}
	}
	for name, change := range map[string]func(*market.MeterUsageInput){
		"quantity":    func(i *market.MeterUsageInput) { i.Quantity, i.Allocations = 8, nil },
		"dimension":   func(i *market.MeterUsageInput) { i.Dimension = "bytes" },
		"time":        func(i *market.MeterUsageInput) { i.Timestamp = i.Timestamp.Add(time.Millisecond) },
		"allocations": func(i *market.MeterUsageInput) { i.Allocations = nil },
		"hour":        func(i *market.MeterUsageInput) { i.Timestamp = i.Timestamp.Add(-time.Hour) },
	} {
		in := *call
		change(&in)
		if _, err := w.MeterUsage(ctx, task, &in); market.CodeOf(err) != market.IdempotencyConflict {
			t.Errorf("another %s: %v, want %s", name, err, market.IdempotencyConflict)
		}
	}
	if _, err := w.MeterUsage(ctx, workload(account.ECSTask, "task-2"), call); market.CodeOf(err) != market.IdempotencyConflict {
		t.Errorf("another task: %v, want %s", err, market.IdempotencyConflict)
	}
	abroad := task
	abroad.Region = "eu-west-1"
	if id := w.meter(abroad, call); id == first {
		t.Error("another Region: the same record")
	}
	theirs := task
	theirs.Account = seller
	if id := w.meter(theirs, call); id == first {
		t.Error("another account: the same record")
	}

	// A token stands for its call for 24 hours.
	w.now = w.now.Add(24*time.Hour - time.Millisecond)
	if _, err := w.MeterUsage(ctx, task, w.hours(8, token("T"))); market.CodeOf(err) != market.IdempotencyConflict {
		t.Errorf("just within 24 hours: %v, want %s", err, market.IdempotencyConflict)
	}
	w.now = w.now.Add(time.Millisecond)
	if id := w.meter(task, w.hours(8, token("T"))); id == first {
		t.Error("after 24 hours: the first record's id")
	}
	if n := len(w.ledger()); n != 4 {
		t.Errorf("%d records, want 4", n)
	}
	w.sound(t)
}

// A call that was refused leaves its token free.
func TestMeterUsageRefusedTokenIsFree(t *testing.T) {
	w := openWorkloads(t)
	task := workload(account.ECSTask, "task-1")
	w.meter(task, w.hours(7))
	if _, err := w.MeterUsage(ctx, task, w.hours(8, token("T"))); market.CodeOf(err) != market.DuplicateRequest {
		t.Fatalf("%v, want %s", err, market.DuplicateRequest)
	}
	w.meter(task, w.hours(8, token("T"), func(i *market.MeterUsageInput) { i.Dimension = "bytes" }))
}

// AgentCore meters as often as it likes; its times are not rounded, and only client tokens tell calls apart.
func TestMeterUsageAgentCore(t *testing.T) {
	w := openWorkloads(t)
	agent := workload(account.AgentCore, "agent-1")
	ids := map[market.RecordID]bool{}
	long := strings.Repeat("x", 65)
	for _, tok := range []string{"a", "b", "", "", long, long + "y"} {
		ids[w.meter(agent, w.hours(7, token(tok)))] = true
	}
	if len(ids) != 6 {
		t.Errorf("6 calls made %d records", len(ids))
	}
	if id := w.meter(agent, w.hours(7, token("a"))); !ids[id] {
		t.Error("the same call again made another record")
	}
	if _, err := w.MeterUsage(ctx, agent, w.hours(8, token("a"))); market.CodeOf(err) != market.IdempotencyConflict {
		t.Errorf("the same token, another quantity: %v, want %s", err, market.IdempotencyConflict)
	}
	for _, r := range w.ledger() {
		if want := w.now.Add(-90 * time.Minute); !r.Timestamp.Equal(want) || len(r.Series.Resource) > len("agent-1#")+64 {
			t.Errorf("a record of %s, resource %q; want %s, not rounded", r.Timestamp, r.Series.Resource, want)
		}
	}
	w.sound(t)
}

// Of many calls at once, one is kept, and all are answered alike.
func TestMeterUsageAtOnce(t *testing.T) {
	w := openWorkloads(t)
	const calls = 32
	var ids [calls]market.RecordID
	var errs [calls]error
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			ids[i], errs[i] = w.MeterUsage(ctx, workload(account.AgentCore, "agent-1"), w.hours(7, token("T")))
		})
	}
	wg.Wait()
	for i := range calls {
		if errs[i] != nil || ids[i] != ids[0] {
			t.Errorf("call %d: %v, %v; want %v", i, ids[i], errs[i], ids[0])
		}
	}
	if n := len(w.ledger()); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

// put writes an agreement as it is, behind the Service's back.
func (f *fixture) put(t *testing.T, list ...market.Agreement) {
	t.Helper()
	if err := f.store.Update(ctx, func(tx market.Tx) error {
		for _, a := range list {
			if err := tx.PutAgreement(a); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	f.ForgetAll()
}

// An agreement takes usage until its final hour is over, and none while it is suspended.
func TestMeterUsageEnd(t *testing.T) {
	w := openWorkloads(t)
	end := w.now.Truncate(time.Hour).Add(10 * time.Minute)
	ended := w.agreement
	ended.EndAt = end
	w.put(t, ended)
	for _, tt := range []struct {
		now, at time.Duration // after the end
		code    market.Code
	}{
		{-time.Second, -time.Minute, ""},
		{0, -time.Hour, ""},
		{time.Hour - time.Second, -2 * time.Hour, ""},
		{55 * time.Minute, 54 * time.Minute, ""}, // the hour's start is within the final hour, its end is not
		{time.Hour, -time.Hour, market.NotEntitled},
		{2 * time.Hour, -time.Hour, market.NotEntitled},
	} {
		w.now = end.Add(tt.now)
		in := w.hours(1, func(i *market.MeterUsageInput) { i.Timestamp = end.Add(tt.at) })
		if _, err := w.MeterUsage(ctx, workload(account.EC2Instance, "i-1"), in); market.CodeOf(err) != tt.code {
			t.Errorf("%s after the end, of %s: %v, want %q", tt.now, tt.at, err, tt.code)
		}
	}
	suspended := w.agreement
	suspended.SuspendedAt = w.now
	w.put(t, suspended)
	if _, err := w.MeterUsage(ctx, workload(account.EC2Instance, "i-1"), w.hours(1)); market.CodeOf(err) != market.NotEntitled || !strings.Contains(err.Error(), "suspended") {
		t.Errorf("suspended: %v, want %s that says so", err, market.NotEntitled)
	}
}

// A renewal does not cut off the hours before it; nor does one that bought again have those in between.
func TestMeterUsageSuccessor(t *testing.T) {
	w := openWorkloads(t)
	before, after := w.agreement, w.agreement
	before.EndAt = w.now.Add(-2 * time.Hour)
	after.ID, after.LicenseARN, after.StartAt = "agmt-after", "arn:after", before.EndAt
	w.put(t, before, after)
	instance := workload(account.EC2Instance, "i-1")
	of := func(ago time.Duration) *market.MeterUsageInput {
		return w.hours(1, func(i *market.MeterUsageInput) { i.Timestamp = w.now.Add(-ago) })
	}
	w.meter(instance, of(5*time.Hour))
	problems, err := w.Check(ctx, op)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems { // the agreements, made up here, lack a history
		if strings.HasPrefix(p.Path, "usage record") {
			t.Error(p)
		}
	}

	before.EndAt = w.now.Add(-5 * time.Hour)
	after.StartAt = w.now.Add(-time.Hour)
	w.put(t, before, after)
	if _, err := w.MeterUsage(ctx, instance, of(170*time.Minute)); market.CodeOf(err) != market.TimestampOutOfBounds {
		t.Errorf("between two agreements: %v, want %s", err, market.TimestampOutOfBounds)
	}
}

// Tokens whose time is over leave the store.
func TestClientTokensAreForgotten(t *testing.T) {
	w := openWorkloads(t)
	task := workload(account.ECSTask, "task-1")
	known := func(token string) (ok bool) {
		t.Helper()
		if err := w.store.View(ctx, func(tx market.Tx) (err error) {
			_, ok, err = tx.ClientToken(buyer, "us-east-1/"+token)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return ok
	}
	w.meter(task, w.hours(1, token("T")))
	if !known("T") {
		t.Fatal("the token is not in the store")
	}
	w.now = w.now.Add(24*time.Hour + time.Millisecond)
	w.meter(task, w.hours(1, token("U")))
	if known("T") || !known("U") {
		t.Errorf("after 24 hours: the old token is there: %v, the new one: %v", known("T"), known("U"))
	}
}
