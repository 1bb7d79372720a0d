package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
)

// ClockState is the market's clock beside the wall's, at one instant.
type ClockState struct {
	Now    time.Time `json:"now"`
	Offset string    `json:"offset"` // of Now from Wall, such as "4h1m0s"
	Frozen bool      `json:"frozen"`
	Wall   time.Time `json:"wall"`
	// Settled is how many things had fallen due when the clock was changed, and were done before the answer: agreements that started, ended,
	// were renewed or closed down. 0 for a clock that was only looked at.
	Settled int `json:"settled"`
}

// FaultList is the fault rules, in the order added, and the seed that their chances come from.
type FaultList struct {
	Faults []fault.Rule `json:"faults"`
	Seed   uint64       `json:"seed"`
}

func notOffered(what string) *APIError {
	return refuse(http.StatusForbidden, CodeForbidden, "this Souk does not offer control of %s: it was started without --simulation", what)
}

func (a *API) answerClock(w http.ResponseWriter, settled int) error {
	s := a.clock.State()
	wall := time.Unix(s.Now.Unix()-s.Offset.Seconds, int64(s.Now.Nanosecond())-s.Offset.Nanos).UTC()
	return answer(w, http.StatusOK, ClockState{Now: s.Now, Offset: s.Offset.String(), Frozen: s.Frozen, Wall: wall, Settled: settled})
}

func (a *API) getClock(w http.ResponseWriter, r *http.Request) error {
	if a.clock == nil {
		return notOffered("the clock")
	}
	return a.answerClock(w, 0)
}

func (a *API) advanceClock(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		By string `json:"by"`
	}
	return a.changeClock(w, r, &in, func() error {
		d, err := span("by", in.By)
		if err != nil {
			return err
		}
		_, err = a.clock.Advance(d)
		return err
	})
}

func (a *API) setClock(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		To string `json:"to"`
	}
	return a.changeClock(w, r, &in, func() error {
		t, err := time.Parse(time.RFC3339Nano, in.To)
		if err != nil {
			return invalid("to", "must be an instant such as \"2026-12-01T00:00:00Z\", not %q", in.To)
		}
		return a.clock.Set(t)
	})
}

// dueClock moves the clock to where the next thing falls due.
func (a *API) dueClock(w http.ResponseWriter, r *http.Request) error {
	return a.changeClock(w, r, nil, func() error {
		next, ok, err := a.service.NextDue(r.Context(), market.Operator())
		if err == nil && !ok {
			err = refuse(http.StatusConflict, CodeConflict, "nothing falls due by itself: no agreement has an end")
		}
		if err != nil {
			return err
		}
		return a.clock.Set(next)
	})
}

func (a *API) freezeClock(w http.ResponseWriter, r *http.Request) error {
	return a.changeClock(w, r, nil, func() error { a.clock.Freeze(); return nil })
}

func (a *API) resumeClock(w http.ResponseWriter, r *http.Request) error {
	return a.changeClock(w, r, nil, func() error { a.clock.Resume(); return nil })
}

// changeClock reads the request into in, if it has a body, changes the clock, keeps the change, and does what has fallen due by it: whoever is
// answered finds the market as it is at the new time.
func (a *API) changeClock(w http.ResponseWriter, r *http.Request, in any, change func() error) error {
	if a.clock == nil {
		return notOffered("the clock")
	}
	var err error
	if in == nil {
		err = decodeNothing(w, r)
	} else {
		err = decode(w, r, in)
	}
	if err != nil {
		return err
	}
	switch err := change(); {
	case errors.Is(err, clock.ErrBackwards):
		return refuse(http.StatusConflict, CodeConflict, "%s", withoutPrefix(err, "clock: "))
	case errors.Is(err, clock.ErrRange):
		return refuse(http.StatusUnprocessableEntity, CodeInvalid, "%s", withoutPrefix(err, "clock: "))
	case err != nil:
		return err
	}
	if err := a.saveClock(r.Context()); err != nil {
		return err
	}
	unhurried(w) // years may have gone by
	settled, err := a.service.Settle(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	return a.answerClock(w, settled)
}

func (a *API) listFaults(w http.ResponseWriter, r *http.Request) error {
	if a.faults == nil {
		return notOffered("faults")
	}
	return answer(w, http.StatusOK, FaultList{Faults: listOf(a.faults.List()), Seed: a.faults.Seed()})
}

func (a *API) addFault(w http.ResponseWriter, r *http.Request) error {
	if a.faults == nil {
		return notOffered("faults")
	}
	var in fault.Rule
	if err := decode(w, r, &in); err != nil {
		return err
	}
	rule, err := a.faults.Add(in)
	switch {
	case errors.Is(err, fault.ErrInvalid):
		return refuse(http.StatusUnprocessableEntity, CodeInvalid, "%s", withoutPrefix(err, "fault: add: "))
	case errors.Is(err, fault.ErrFull):
		return refuse(http.StatusConflict, CodeConflict, "%s", withoutPrefix(err, "fault: add: "))
	case err != nil:
		return err
	}
	return answer(w, http.StatusCreated, rule)
}

func (a *API) clearFaults(w http.ResponseWriter, r *http.Request) error {
	if a.faults == nil {
		return notOffered("faults")
	}
	return answer(w, http.StatusOK, map[string]int{"cleared": a.faults.Clear()})
}

func (a *API) removeFault(w http.ResponseWriter, r *http.Request) error {
	if a.faults == nil {
		return notOffered("faults")
	}
	err := a.faults.Remove(r.PathValue("id"))
	if errors.Is(err, fault.ErrNotFound) {
		return refuse(http.StatusNotFound, CodeNotFound, "there is no fault rule %q", r.PathValue("id"))
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
