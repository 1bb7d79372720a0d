package console

import (
	"context"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// turnClock does one act, and answers which notice tells of it.
func (c *Console) turnClock(ctx context.Context, act string) (notice string, err error) {
	k := c.tools.clock
	switch act {
	case "freeze":
		k.Freeze()
		return "frozen", nil
	case "resume":
		k.Resume()
		return "resumed", nil
	case "hour":
		_, err = k.Advance(time.Hour)
	case "day":
		_, err = k.Advance(24 * time.Hour)
	case "month":
		err = k.Set(monthEnd(k.Now()))
	case "due":
		var next time.Time
		if next, err = c.nextDue(ctx); err == nil {
			err = k.Set(next)
		}
	default:
		return "", &httpError{http.StatusUnprocessableEntity, "That is none of the buttons. Nothing was changed."}
	}
	return "moved", err
}

// monthEnd is the instant at which the month is over, in UTC: bills are made up by it.
func monthEnd(t time.Time) time.Time {
	y, m, _ := t.UTC().Date()
	return time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC)
}

// nextDue is the earliest instant after the present at which an agreement starts, ends, or closes down.
func (c *Console) nextDue(ctx context.Context) (next time.Time, err error) {
	next, ok, err := c.service.NextDue(ctx, callerIn(ctx))
	if err != nil {
		return time.Time{}, err
	}
	if !ok {
		return time.Time{}, &httpError{http.StatusConflict, "Nothing falls due by itself: no agreement has an end. Buy a free trial or a contract, and there is something to wait for."}
	}
	return next, nil
}

// lastEvent is the number of the last line in the agreements’ history. It asks for the line after a number that it doubles and then halves,
// since the history is read forwards: some fifty look-ups, however long it is.
func (c *Console) lastEvent(ctx context.Context) (int64, error) {
	after := func(n int64) (int64, bool, error) {
		list, err := c.service.Events(ctx, callerIn(ctx), market.EventFilter{After: n, Limit: 1})
		if err != nil || len(list) == 0 {
			return 0, false, err
		}
		return list[0].Seq, true, nil
	}
	low, high := int64(0), int64(1) // there may be lines after low; soon there are none after high
	for {
		seq, ok, err := after(high)
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		low, high = seq, max(seq, high)*2
	}
	for low < high {
		middle := low + (high-low)/2
		seq, ok, err := after(middle)
		if err != nil {
			return 0, err
		}
		if ok {
			low = seq
		} else {
			high = middle
		}
	}
	return high, nil
}
