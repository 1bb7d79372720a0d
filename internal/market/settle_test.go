package market_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// all is everything that there is to tell of agreements.
func (f *fixture) all(t interface{ Fatal(...any) }) ([]market.Agreement, []market.Event) {
	agreements, err := f.Agreements(ctx, op, market.AgreementFilter{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := f.Events(ctx, op, market.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return agreements, events
}

// Five years in one jump are sixty renewals, each as of its time.
func TestAutoRenewal(t *testing.T) {
	f := openLife(t)
	first := f.buys(t, market.PurchaseInput{ProductCode: contractCode, TermMonths: 1, AutoRenew: true, Entitlements: []market.Entitlement{gives("seats", integer(9))}})
	f.now = f.now.AddDate(5, 0, 0)
	steps, err := f.Settle(ctx, op)
	if err != nil {
		t.Fatal(err)
	}
	agreements, events := f.all(t)
	if len(agreements) != 61 || steps != 60*3 { // an end, the next one's start, and the end of the final hour
		t.Fatalf("%d agreements in %d steps, want 61 in 180", len(agreements), steps)
	}
	licenses := map[string]bool{}
	for i, a := range agreements {
		licenses[a.LicenseARN] = true
		switch {
		case i == 0:
			if a.ID != first.ID {
				t.Fatalf("the first is %s", a.ID)
			}
			continue
		case a.PrecedingID != agreements[i-1].ID, a.Intent != market.IntentRenew, !a.StartAt.Equal(agreements[i-1].EndAt), !a.AcceptedAt.Equal(a.StartAt), !a.AutoRenew, a.TermMonths != 1:
			t.Errorf("renewal %d: %+v after %+v", i, a, agreements[i-1])
		case cmp.Diff(first.Entitlements, a.Entitlements) != "":
			t.Errorf("renewal %d entitles to %v", i, a.Entitlements)
		}
		if last := i == len(agreements)-1; last != (a.Status == market.Active) || last != a.Live(f.now) || !last && a.Status != market.Renewed {
			t.Errorf("renewal %d is %s", i, a.Status)
		}
	}
	if len(licenses) != len(agreements) {
		t.Errorf("%d licenses for %d agreements", len(licenses), len(agreements))
	}
	for i := 1; i < len(events); i++ {
		if events[i].At.Before(events[i-1].At) {
			t.Errorf("event %+v after %+v", events[i], events[i-1])
		}
	}
	if n, err := f.Settle(ctx, op); n != 0 || err != nil {
		t.Errorf("again: %d steps, %v", n, err)
	}
	f.sound(t)
}

// Each step happens as of its own instant, whenever it is that somebody looks.
func TestStepsHaveTheirTimes(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode, TermMonths: 1, StartAt: f.now.AddDate(0, 0, 1)}) // February 1 to March 1
	f.now = f.now.AddDate(1, 0, 0)
	f.wantHistory(t, a.ID, "2026-01-31T12:00 accepted", "2026-02-01T12:00 started", "2026-03-01T12:00 expired", "2026-03-01T13:00 closed-down")
	got := f.find(t, a.ID)
	if got.Phase != market.ClosedDown || !got.DueAt.IsZero() || got.Status != market.Expired {
		t.Errorf("it is %+v", got)
	}
	f.sound(t)
}

func TestPhases(t *testing.T) {
	f := openLife(t)
	start := f.now.Add(time.Hour)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode, TermMonths: 1, StartAt: start})
	for _, tt := range []struct {
		at          time.Time
		phase       market.Phase
		due         time.Time
		status      market.Status
		live, takes bool
	}{
		{start.Add(-time.Millisecond), market.Scheduled, start, market.Active, false, false},
		{start, market.Running, a.EndAt, market.Active, true, true},
		{a.EndAt.Add(-time.Millisecond), market.Running, a.EndAt, market.Active, true, true},
		{a.EndAt, market.FinalHour, a.EndAt.Add(time.Hour), market.Expired, false, true},
		{a.EndAt.Add(time.Hour - time.Millisecond), market.FinalHour, a.EndAt.Add(time.Hour), market.Expired, false, true},
		{a.EndAt.Add(time.Hour), market.ClosedDown, time.Time{}, market.Expired, false, false},
		{start, market.ClosedDown, time.Time{}, market.Expired, false, true}, // a clock that went back: what has happened stays
	} {
		f.now = tt.at
		got := f.find(t, a.ID)
		if got.Phase != tt.phase || !got.DueAt.Equal(tt.due) || got.Status != tt.status || got.Live(f.now) != tt.live || got.TakesUsage(f.now) != tt.takes {
			t.Errorf("at %s it is %s, due %s, %s, live %v, takes usage %v; want %+v", tt.at, got.Phase, got.DueAt, got.Status, got.Live(f.now), got.TakesUsage(f.now), tt)
		}
		f.sound(t)
	}
}

// Who is suspended does not buy, by themselves neither.
func TestNoRenewalWhileSuspended(t *testing.T) {
	f := openLife(t)
	in := market.PurchaseInput{ProductCode: contractCode, TermMonths: 1, AutoRenew: true}
	a, b := f.buys(t, in), f.buys(t, market.PurchaseInput{ProductCode: contractCode, TermMonths: 1, AutoRenew: true, Buyer: second})
	if _, err := f.Suspend(ctx, op, a.ID); err != nil {
		t.Fatal(err)
	}
	w := market.World{Directory: account.State{Accounts: []account.Account{{ID: second, Name: "Second", Buyer: true, Suspended: true}}}}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(wants(err))
	}
	f.now = a.EndAt
	f.wantHistory(t, a.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 started", "2026-01-31T12:00 suspended", "2026-02-28T12:00 expired: not renewed: it is suspended")
	f.wantHistory(t, b.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 started", "2026-02-28T12:00 expired: not renewed: account "+second+" is suspended")
	f.sound(t)
}

// At the end of time, agreements expire.
func TestNoRenewalAfterTheYears(t *testing.T) {
	f := openLife(t)
	f.buys(t, market.PurchaseInput{ProductCode: contractCode, TermMonths: 60, AutoRenew: true, StartAt: time.Date(9989, 1, 1, 0, 0, 0, 0, time.UTC)})
	f.now = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	agreements, _ := f.all(t)
	if len(agreements) != 2 || agreements[1].Status != market.Expired {
		t.Fatalf("%+v", agreements)
	}
	f.wantHistory(t, agreements[1].ID, "9994-01-01T00:00 accepted", "9994-01-01T00:00 started",
		"9999-01-01T00:00 expired: not renewed: that would last beyond the last year that can be written", "9999-01-01T01:00 closed-down")
	f.sound(t)
}

// life does random things at random times to a market, and moves its clock there as move does.
type life struct {
	acts []act
}

type act struct {
	later time.Duration
	kind  int
	which int
	in    market.PurchaseInput
	flag  bool
}

func drawLife(t *rapid.T) (l life) {
	for range rapid.IntRange(1, 12).Draw(t, "acts") {
		a := act{
			later: time.Duration(rapid.Int64Range(0, int64(60*24*time.Hour/time.Millisecond)).Draw(t, "later")) * time.Millisecond,
			kind:  rapid.IntRange(0, 9).Draw(t, "kind"), which: rapid.IntRange(0, 1000).Draw(t, "which"), flag: rapid.Bool().Draw(t, "flag"),
		}
		if rapid.Bool().Draw(t, "whole hours") { // so that things fall due at the same instant
			a.later = a.later.Truncate(time.Hour)
		}
		a.in = market.PurchaseInput{
			ProductCode: rapid.SampledFrom([]string{contractCode, mixedCode, textCode, legacy}).Draw(t, "product"),
			Buyer:       rapid.SampledFrom([]string{buyer, second}).Draw(t, "buyer"), AutoRenew: rapid.Bool().Draw(t, "renews"),
			TermMonths: rapid.IntRange(0, 3).Draw(t, "months"), FreeTrial: rapid.IntRange(0, 4).Draw(t, "trial") == 0,
		}
		if a.in.ProductCode == legacy || a.in.FreeTrial {
			a.in.AutoRenew, a.in.TermMonths = false, 0
		}
		l.acts = append(l.acts, a)
	}
	return l
}

// run lives it. What is refused is refused in every market alike.
func (l life) run(t *rapid.T, f *fixture, move func(to time.Time)) (outcomes []string) {
	for _, a := range l.acts {
		move(f.now.Add(a.later))
		list, err := f.Agreements(ctx, op, market.AgreementFilter{})
		if err != nil {
			t.Fatal(err)
		}
		in := a.in
		if a.flag {
			in.StartAt = f.now.Add(a.later)
		}
		if len(list) == 0 || a.kind < 4 {
			_, err = f.Buy(ctx, op, in)
		} else {
			g := list[a.which%len(list)]
			end := f.now.Add(a.later + time.Hour)
			switch a.kind {
			case 4:
				_, err = f.Amend(ctx, op, g.ID, market.Amendment{EndAt: &end, AutoRenew: &a.flag})
			case 5:
				_, err = f.Renew(ctx, op, g.ID, market.Terms{})
			case 6:
				_, err = f.Replace(ctx, op, g.ID, market.Terms{AutoRenew: &a.flag})
			case 7:
				_, err = f.End(ctx, op, g.ID, market.Cancelled)
			case 8:
				_, err = f.Suspend(ctx, op, g.ID)
			case 9:
				w := told(t, f)
				for i := range w.Directory.Accounts {
					w.Directory.Accounts[i].Suspended = w.Directory.Accounts[i].ID == a.in.Buyer && a.flag
				}
				_, err = f.ApplyWorld(ctx, op, market.World{Directory: w.Directory})
			}
		}
		if code := market.CodeOf(err); err != nil && code != market.Conflict && code != market.Invalid && code != market.NotFound {
			t.Fatal(err)
		}
		outcomes = append(outcomes, fmt.Sprint(err))
	}
	return outcomes
}

// It makes no difference in how many steps the clock went somewhere, nor who looked on the way.
func TestJumpsAndStepsAreTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawLife(rt)
		end := time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(rt, "then")).Truncate(time.Millisecond)
		jumping, walking := seeded(rt, 2), seeded(rt, 2)
		defer jumping.store.Close()
		defer walking.store.Close()
		jump := func(to time.Time) { jumping.now = to }
		walk := func(to time.Time) {
			for walking.now.Before(to) {
				stride := time.Duration(rapid.Int64Range(1, int64(40*24*time.Hour)).Draw(rt, "stride")).Truncate(time.Millisecond) + time.Millisecond
				walking.now = walking.now.Add(min(stride, to.Sub(walking.now)))
				var err error
				if rapid.Bool().Draw(rt, "settles") {
					_, err = walking.Settle(ctx, op)
				} else {
					_, err = walking.Agreements(ctx, op, market.AgreementFilter{Limit: 1})
				}
				if err != nil {
					rt.Fatal(err)
				}
			}
		}
		if d := cmp.Diff(l.run(rt, jumping, jump), l.run(rt, walking, walk)); d != "" {
			rt.Fatalf("outcomes differ (-jump +walk):\n%s", d)
		}
		jump(jumping.now.Add(end))
		walk(walking.now.Add(end))
		a1, e1 := jumping.all(rt)
		a2, e2 := walking.all(rt)
		if d := cmp.Diff(a1, a2); d != "" {
			rt.Fatalf("agreements differ (-jump +walk):\n%s", d)
		}
		if d := cmp.Diff(e1, e2); d != "" {
			rt.Fatalf("events differ (-jump +walk):\n%s", d)
		}
		for i := 1; i < len(e1); i++ {
			if e1[i].At.Before(e1[i-1].At) {
				rt.Fatalf("event %+v comes after %+v", e1[i], e1[i-1])
			}
		}
		for i := range a1 {
			if a := &a1[i]; !a.DueAt.IsZero() && !a.DueAt.After(jumping.now) {
				rt.Fatalf("something is overdue: %+v", a)
			}
		}
		if problems, err := jumping.Check(ctx, op); err != nil || len(problems) > 0 {
			rt.Fatalf("check: %v %v", problems, err)
		}
		if !rapid.Bool().Draw(rt, "made again") {
			return
		}
		// What it tells of itself makes it again.
		w := told(rt, jumping)
		again, done := vacant(rt, jumping.now)
		defer done()
		if _, err := again.ApplyWorld(ctx, op, w); err != nil {
			rt.Fatal(wants(err))
		}
		if d := cmp.Diff(w, told(rt, again)); d != "" {
			rt.Fatalf("the market made again differs (-first +second):\n%s", d)
		}
		if changes, err := jumping.ApplyWorld(ctx, op, w); err != nil || changes.Created+changes.Updated != 0 {
			rt.Fatalf("applied where it is from: %+v, %s", changes, wants(err))
		}
		if problems, err := again.Check(ctx, op); err != nil || len(problems) > 0 {
			rt.Fatalf("check of the one made again: %v %v", problems, err)
		}
	})
}

// Many who look at once, on two nodes, make every step once.
func TestSettleAtOnce(t *testing.T) {
	f := openLife(t)
	other := serve(t, f, f.store, rand.NewChaCha8([32]byte{9}))
	const contracts, months = 8, 30
	for i := range contracts {
		f.buys(t, market.PurchaseInput{ProductCode: contractCode, TermMonths: 1, AutoRenew: true, StartAt: f.now.Add(time.Duration(i) * time.Minute)})
	}
	f.now = time.Date(2026+months/12, 7, 28, 13, 0, 0, 0, time.UTC)
	var wg sync.WaitGroup
	var steps atomic.Int64
	for i := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			node := f.Service
			if i%2 == 1 {
				node = other
			}
			var err error
			if i%4 < 2 {
				var n int
				n, err = node.Settle(ctx, op)
				steps.Add(int64(n))
			} else {
				_, err = node.Agreements(ctx, op, market.AgreementFilter{Status: market.Active})
			}
			if err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	agreements, events := f.all(t)
	if want := contracts * (months + 1); len(agreements) != want {
		t.Errorf("%d agreements, want %d", len(agreements), want)
	}
	type once struct {
		id   string
		kind market.EventKind
	}
	seen := map[once]bool{}
	for _, e := range events {
		if key := (once{e.AgreementID, e.Kind}); seen[key] {
			t.Errorf("agreement %s: %s twice", e.AgreementID, e.Kind)
		} else {
			seen[key] = true
		}
	}
	f.sound(t)
}

// counting counts the transactions of a store.
type counting struct {
	market.Store
	n atomic.Int64
}

func (c *counting) View(ctx context.Context, fn func(market.Tx) error) error {
	c.n.Add(1)
	return c.Store.View(ctx, fn)
}

func (c *counting) Update(ctx context.Context, fn func(market.Tx) error) error {
	c.n.Add(1)
	return c.Store.Update(ctx, fn)
}

// While nothing is due, a call does not ask the store for it; and it does when something comes that is due before.
func TestSettledIsCheap(t *testing.T) {
	f := openLife(t)
	store := &counting{Store: f.store}
	f.Service = serve(t, f, store, rand.NewChaCha8([32]byte{3}))
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode})
	look := func() int64 {
		t.Helper()
		before := store.n.Load()
		f.find(t, a.ID)
		return store.n.Load() - before
	}
	for range 3 {
		f.now = f.now.AddDate(0, 1, 0)
		if n := look(); n != 1 {
			t.Errorf("%d transactions to find an agreement when nothing is due, want 1", n)
		}
	}
	soon := f.now.Add(time.Minute)
	b := f.buys(t, market.PurchaseInput{ProductCode: contractCode, StartAt: soon})
	f.now = soon
	if got := f.find(t, b.ID); got.Phase != market.Running {
		t.Errorf("its time has come, and it is %s", got.Phase)
	}
	if n := look(); n != 1 {
		t.Errorf("%d transactions after that, want 1", n)
	}
}

// A caller who leaves while things are settled leaves them settled so far, and the next one goes on.
func TestSettleAfterHangUp(t *testing.T) {
	f := openLife(t)
	store := &leaving{Store: f.store}
	f.Service = serve(t, f, store, rand.NewChaCha8([32]byte{3}))
	for range 6 {
		f.buys(t, market.PurchaseInput{ProductCode: contractCode, TermMonths: 1, AutoRenew: true})
	}
	f.now = f.now.AddDate(3, 0, 0)
	gone, cancel := context.WithCancel(ctx)
	store.leave = cancel
	steps, err := f.Settle(gone, op)
	if err == nil || steps == 0 {
		t.Errorf("%d steps, %v; want some and an error", steps, err)
	}
	store.leave = nil
	if rest, err := f.Settle(ctx, op); err != nil || rest == 0 {
		t.Errorf("the rest: %d steps, %v", rest, err)
	}
	if list, _ := f.all(t); len(list) != 6*(36+1) {
		t.Errorf("%d agreements", len(list))
	}
	f.sound(t)
}
