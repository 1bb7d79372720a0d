package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

var eventTests = []test{
	{"events come back equal, in the order in which they were added", func(t *testing.T, s market.Store) {
		mustList(t, events(t, s, market.EventFilter{}), nil)
		var want []market.Event
		for i, o := range odd() { // their times against their order
			want = append(want, market.Event{AgreementID: o, At: at(-time.Duration(i) * time.Hour), Kind: market.EventKind(o), Detail: o})
		}
		want = append(want, market.Event{Seq: 12345, AgreementID: "a", Kind: market.EventStarted}) // a Seq of one's own is not heard
		update(t, s, func(tx market.Tx) error { return each(want[:10], tx.AppendEvent) })
		for _, e := range want[10:] {
			update(t, s, func(tx market.Tx) error { return tx.AppendEvent(e) })
		}
		for i := range want {
			want[i].Seq = int64(i + 1)
		}
		mustEqual(t, events(t, s, market.EventFilter{}), want)
	}},
	{"pages of events, of one agreement or of all, make up the list", func(t *testing.T, s market.Store) {
		of := map[string][]market.Event{}
		for i := range 60 {
			e := market.Event{Seq: int64(i + 1), AgreementID: []string{"a", "b", "A"}[i%3], At: at(0), Kind: market.EventAmended, Detail: fmt.Sprint(i)}
			update(t, s, func(tx market.Tx) error { return tx.AppendEvent(e) })
			of[e.AgreementID], of[""] = append(of[e.AgreementID], e), append(of[""], e)
		}
		for id, want := range of {
			for _, size := range []int{1, 7, 60} {
				var all []market.Event
				for f := (market.EventFilter{AgreementID: id, Limit: size}); ; f.After = all[len(all)-1].Seq {
					page := events(t, s, f)
					if len(page) > size {
						t.Fatalf("a page of %d has %d events", size, len(page))
					}
					if all = append(all, page...); len(page) < size {
						break
					}
				}
				mustList(t, all, want)
			}
			mustList(t, events(t, s, market.EventFilter{AgreementID: id}), want)
			mustList(t, events(t, s, market.EventFilter{AgreementID: id, After: 1000}), nil)
		}
		mustList(t, events(t, s, market.EventFilter{AgreementID: "none"}), nil)
	}},
	{"an event that was undone has no Seq", func(t *testing.T, s market.Store) {
		update(t, s, func(tx market.Tx) error { return tx.AppendEvent(market.Event{AgreementID: "a"}) })
		if err := s.Update(t.Context(), func(tx market.Tx) error {
			return errors.Join(tx.AppendEvent(market.Event{AgreementID: "lost"}), errMade)
		}); !errors.Is(err, errMade) {
			t.Fatal(err)
		}
		update(t, s, func(tx market.Tx) error { return tx.AppendEvent(market.Event{AgreementID: "b"}) })
		mustEqual(t, events(t, s, market.EventFilter{}), []market.Event{{Seq: 1, AgreementID: "a"}, {Seq: 2, AgreementID: "b"}})
	}},
	{"times are kept to the millisecond in UTC", func(t *testing.T, s market.Store) {
		for i, tt := range instants() {
			update(t, s, func(tx market.Tx) error { return tx.AppendEvent(market.Event{At: tt.put}) })
			mustEqual(t, events(t, s, market.EventFilter{After: int64(i)}), []market.Event{{Seq: int64(i + 1), At: tt.want}})
		}
	}},
}

func events(t testing.TB, s market.Store, f market.EventFilter) []market.Event {
	t.Helper()
	return read(t, s, func(tx market.Tx) ([]market.Event, error) { return tx.Events(f) })
}

var dueTests = []test{
	{"what is due next is the earliest, then the first id, and never what has no time", func(t *testing.T, s market.Store) {
		mustNotBeDue := func() {
			t.Helper()
			if a, ok := find(t, s, market.Tx.NextDue); ok {
				t.Errorf("due: %+v", a)
			}
		}
		mustNotBeDue()
		update(t, s, func(tx market.Tx) error { return tx.PutAgreement(market.Agreement{ID: "never", LicenseARN: "never"}) })
		mustNotBeDue()
		order := []market.Agreement{
			{ID: "z", DueAt: time.UnixMilli(-1).UTC()},
			{ID: "y", DueAt: time.UnixMilli(0).UTC()},
			{ID: "B", DueAt: at(0), Phase: market.Scheduled}, {ID: "a", DueAt: at(0), Phase: market.FinalHour}, {ID: "b", DueAt: at(0)},
			{ID: "A", DueAt: at(time.Millisecond)},
		}
		for i := range order {
			a := &order[(i*5+3)%len(order)]
			a.LicenseARN = a.ID
			update(t, s, func(tx market.Tx) error { return tx.PutAgreement(*a) })
		}
		for _, a := range order {
			mustFind(t, s, a, market.Tx.NextDue)
			a.DueAt = time.Time{}
			update(t, s, func(tx market.Tx) error { return tx.PutAgreement(a) })
		}
		mustNotBeDue()
	}},
}
