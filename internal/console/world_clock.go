package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/market"
)

// clockPage is what the clock's page shows.
type clockPage struct {
	Nav       worldNav
	Market    moment
	Wall      moment
	Offset    string
	Apart     bool // the clocks differ by more than reading them takes
	Frozen    bool
	MonthEnds moment
	Notice    string
	Problem   string
	Moved     bool // Fell tells what happened by that
	Fell      []fallen
	More      bool
}

// fallen is something that fell due.
type fallen struct {
	At     moment
	Path   string // of the agreement
	ID     string
	What   string
	Detail string
}

// maxFallen is how much of what fell due the page lists.
const maxFallen = 100

var clockNotices = map[string]string{
	"frozen":  "The clock stands still. It can still be moved.",
	"resumed": "The clock runs on from where it stood.",
	"moved":   "The clock was moved.",
}

// clockPage shows the clock and, if the address has the mark of a move, what fell due by it.
func (c *Console) clockPage(w http.ResponseWriter, r *http.Request) error {
	return c.showClock(w, r, http.StatusOK, "")
}

func (c *Console) showClock(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	if c.tools.clock == nil {
		return notSimulated("the clock")
	}
	s := c.tools.clock.State()
	wall := time.Unix(s.Now.Unix()-s.Offset.Seconds, int64(s.Now.Nanosecond())-s.Offset.Nanos)
	apart, ok := s.Offset.Duration()
	page := clockPage{
		Nav: c.worldNav("clock"), Market: momentOf(s.Now), Wall: momentOf(wall), Offset: apartWords(apart), Frozen: s.Frozen,
		Apart: apart.Abs() >= time.Second, MonthEnds: momentOf(monthEnd(s.Now)), Notice: clockNotices[r.URL.Query().Get("notice")], Problem: problem,
	}
	if !ok {
		page.Offset = s.Offset.String() + " apart from"
	}
	if mark, err := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64); err == nil && mark >= 0 {
		events, err := c.service.Events(r.Context(), callerIn(r.Context()), market.EventFilter{After: mark, Limit: maxFallen + 1})
		if err != nil {
			return err
		}
		page.Moved, page.More = true, len(events) > maxFallen
		for _, e := range events[:min(len(events), maxFallen)] {
			page.Fell = append(page.Fell, fallen{At: momentOf(e.At), Path: agreementPath(e.AgreementID), ID: plain(e.AgreementID), What: eventWords(e.Kind).Text, Detail: plain(e.Detail)})
		}
	}
	return c.render(w, response{status: status, page: "world_clock", title: "Clock", section: "world", style: "world.css", body: page})
}

// longAct is how long an act may take by which years go by: longer than the listener gives other requests.
const longAct = 10 * time.Minute

// changeClock does what a button says, then what has fallen due by it, and leads back to the page, which tells of it.
func (c *Console) changeClock(w http.ResponseWriter, r *http.Request) error {
	if c.tools.clock == nil {
		return notSimulated("the clock")
	}
	if err := parseForm(r); err != nil {
		return err
	}
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Now().Add(longAct))
	_ = out.SetWriteDeadline(time.Now().Add(longAct))
	ctx := r.Context()
	mark, err := c.lastEvent(ctx)
	if err != nil {
		return err
	}
	notice, err := c.turnClock(ctx, r.PostForm.Get("act"))
	var web *httpError
	switch {
	case errors.Is(err, clock.ErrBackwards):
		return c.showClock(w, r, http.StatusConflict, "The clock has passed that instant already, and it does not go backwards.")
	case errors.Is(err, clock.ErrRange):
		return c.showClock(w, r, http.StatusUnprocessableEntity, "The clock goes no further than the year 9999.")
	case errors.As(err, &web):
		return c.showClock(w, r, web.status, web.text)
	case err != nil:
		return err
	}
	if c.tools.saveClock != nil {
		if err := c.tools.saveClock(ctx); err != nil {
			return fmt.Errorf("console: save clock: %w", err)
		}
	}
	if _, err := c.service.Settle(ctx, callerIn(ctx)); err != nil {
		return err
	}
	to := "/world/clock?notice=" + notice
	if notice == "moved" {
		to += "&since=" + strconv.FormatInt(mark, 10)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// apartWords says how far the market's clock is from the wall's, to the second, or by days where it is far.
func apartWords(d time.Duration) string {
	side := "ahead of"
	if d < 0 {
		d, side = -d, "behind"
	}
	const day = 24 * time.Hour
	d = d.Round(time.Second)
	if d < day {
		return d.String() + " " + side
	}
	return plural(int(d/day), "day", "days") + " " + (d % day).Truncate(time.Minute).String() + " " + side
}
