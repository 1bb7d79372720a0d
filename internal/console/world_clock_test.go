package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/clock"
)

// press pushes a button of the clock and returns the page that it leads to.
func (w *world) press(act string) page {
	w.Helper()
	return w.get(w.post("/world/clock", url.Values{"act": {act}}).is(w, http.StatusSeeOther).Header.Get("Location")).is(w, http.StatusOK)
}

func TestClockIsMoved(t *testing.T) {
	w := peopled(t)
	w.get("/world/clock").is(t, http.StatusOK, "24 Nov 2026, 10:00:00 UTC", "Running", "The same as the wall’s clock", "The month ends on 1 Dec 2026, 00:00:00 UTC")
	for _, step := range []struct {
		act  string
		want time.Time
	}{
		{"hour", start.Add(time.Hour)}, {"day", start.Add(25 * time.Hour)}, {"month", time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)},
		{"month", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		saved := w.saved
		w.press(step.act).is(t, http.StatusOK, "The clock was moved.", "Nothing fell due on the way", "The wall’s clock says 24 Nov 2026, 10:00:00 UTC", step.want.Format("2 Jan 2006, 15:04:05 UTC"))
		if now := w.clock.Now(); !now.Equal(step.want) || w.saved != saved+1 {
			t.Fatalf("%s: the clock shows %s, want %s; saved %d times", step.act, now, step.want, w.saved-saved)
		}
	}
}

func TestClockIsFrozenAndResumed(t *testing.T) {
	w := peopled(t)
	if p := w.press("freeze").is(t, http.StatusOK, "The clock stands still.", "Frozen", "Resume"); strings.Contains(p.body, `value="freeze"`) {
		t.Error("a frozen clock can be frozen")
	}
	if !w.clock.State().Frozen {
		t.Error("the clock runs")
	}
	w.press("hour").is(t, http.StatusOK, "Frozen", "11:00:00 UTC")
	w.press("resume").is(t, http.StatusOK, "The clock runs on", "Running", "Freeze")
	if s := w.clock.State(); s.Frozen || !s.Now.Equal(start.Add(time.Hour)) || w.saved != 3 {
		t.Errorf("clock %+v, saved %d times", s, w.saved)
	}
}

func TestClockGoesToWhatFallsDue(t *testing.T) {
	w := peopled(t)
	w.post("/world/clock", url.Values{"act": {"due"}}).is(t, http.StatusConflict, "Nothing falls due by itself")
	at := w.subscribe(legacy, alice, trial) // 14 days
	id := strings.TrimPrefix(at, "/subscriptions/")
	w.subscribe(legacy, bob, "")
	p := w.press("due").is(t, http.StatusOK, "8 Dec 2026, 10:00:00 UTC", "Expired", id)
	if strings.Contains(p.text(), "Purchased") {
		t.Error("what had happened before is told as if it had fallen due")
	}
	if !strings.Contains(p.body, `href="/agreements/`+id+`"`) {
		t.Error("no link to the agreement")
	}
	w.press("due").is(t, http.StatusOK, "8 Dec 2026, 11:00:00 UTC", "the final hour is over")
	w.post("/world/clock", url.Values{"act": {"due"}}).is(t, http.StatusConflict, "Nothing falls due by itself")
	if now := w.clock.Now(); !now.Equal(start.Add(14*24*time.Hour + time.Hour)) {
		t.Errorf("the clock shows %s", now)
	}
	// The mark in the address keeps telling the same, and more of it the earlier it is.
	w.get("/world/clock?since=0").is(t, http.StatusOK, "Purchased", "Expired", "the final hour is over")
	w.get("/world/clock?since=99999").is(t, http.StatusOK, "Nothing fell due")
	for _, mark := range []string{"-1", "x", "1e9", strings.Repeat("9", 40)} {
		if p := w.get("/world/clock?since="+mark).is(t, http.StatusOK); strings.Contains(p.text(), "What happened since") {
			t.Errorf("mark %q is taken for one", mark)
		}
	}
}

func TestManyThingsThatFellDueAreCutShort(t *testing.T) {
	w := peopled(t)
	for range 60 {
		w.subscribe(team, alice, "")
	}
	w.get("/world/clock?since=0").is(t, http.StatusOK, "More happened than is listed here.")
}

func TestClockThatDoesNotMove(t *testing.T) {
	w := peopled(t)
	for _, act := range []string{"", "back", "hour;day"} {
		w.post("/world/clock", url.Values{"act": {act}}).is(t, http.StatusUnprocessableEntity, "That is none of the buttons.")
	}
	if !w.clock.Now().Equal(start) || w.saved != 0 {
		t.Errorf("the clock shows %s, saved %d times", w.clock.Now(), w.saved)
	}
	if err := w.clock.Set(clock.Max()); err != nil {
		t.Fatal(err)
	}
	for _, act := range []string{"hour", "day", "month"} {
		w.post("/world/clock", url.Values{"act": {act}}).is(t, http.StatusUnprocessableEntity, "no further than the year 9999")
	}
}

func TestClockThatCannotBeSavedSaysSo(t *testing.T) {
	w := peopled(t)
	w.failing = errors.New("disk /dev/secret is full")
	if p := w.post("/world/clock", url.Values{"act": {"hour"}}).is(t, http.StatusInternalServerError, "Reference"); strings.Contains(p.body, "secret") {
		t.Error("the text of an internal error is on the page")
	}
	if !strings.Contains(w.logged.String(), "console: save clock: disk /dev/secret is full") {
		t.Errorf("log:\n%s", w.logged)
	}
}
