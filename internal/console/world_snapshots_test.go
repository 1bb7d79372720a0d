package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/market"
)

var takenField = regexp.MustCompile(`name="name" value="([^"]*)"><input type="hidden" name="taken" value="([^"]*)"`)

// formOf is what a page's form about a snapshot sends.
func formOf(t *testing.T, p page, name string) url.Values {
	t.Helper()
	for _, m := range takenField.FindAllStringSubmatch(p.body, -1) {
		if html.UnescapeString(m[1]) == name {
			return url.Values{"name": {name}, "taken": {html.UnescapeString(m[2])}}
		}
	}
	t.Fatalf("no form about %s:\n%s", name, p.body)
	return nil
}

func TestSnapshotIsTakenAndRestored(t *testing.T) {
	w := peopled(t)
	w.get("/world/snapshots").is(t, http.StatusOK, "start", "when Souk started", "Reset to this")
	w.subscribe(legacy, alice, "")
	to := w.post("/world/snapshots", url.Values{"name": {".."}}).is(t, http.StatusSeeOther).Header.Get("Location")
	w.get(to).is(t, http.StatusOK, "The snapshot is taken.", "Restore ..", "KB")
	w.subscribe(team, bob, "")
	w.press("day")

	ask := w.get("/world/snapshots/restore?name=..").is(t, http.StatusOK, "Restore “..”?", "there is no way back", "Keep things as they are")
	if list, err := w.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{}); err != nil || len(list) != 2 {
		t.Fatalf("to ask changed something: %v, %v", list, err)
	}
	to = w.post("/world/snapshots/restore", formOf(t, ask, "..")).is(t, http.StatusSeeOther).Header.Get("Location")
	w.get(to).is(t, http.StatusOK, "The marketplace and its clock are what they were.")
	list, err := w.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{})
	if err != nil || len(list) != 1 || list[0].Buyer != alice || !w.clock.Now().Equal(start) {
		t.Errorf("agreements %+v, clock %s, %v", list, w.clock.Now(), err)
	}

	ask = w.get("/world/snapshots/restore?name=start").is(t, http.StatusOK, "Reset the marketplace?", "All registration tokens and sessions end.")
	to = w.post("/world/snapshots/restore", formOf(t, ask, "start")).is(t, http.StatusSeeOther).Header.Get("Location")
	w.get(to).is(t, http.StatusOK, "what it was when Souk started")
	if list, err := w.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{}); err != nil || len(list) != 0 {
		t.Errorf("agreements %+v, %v", list, err)
	}

	drop := formOf(t, w.get("/world/snapshots"), "..")
	w.get(w.post("/world/snapshots/drop", drop).is(t, http.StatusSeeOther).Header.Get("Location")).is(t, http.StatusOK, "The snapshot is dropped.")
	w.post("/world/snapshots/drop", drop).is(t, http.StatusNotFound, "There is no snapshot “..”.")
}

func TestSnapshotRefusals(t *testing.T) {
	w := peopled(t)
	evil := `<script>alert(1)</script>` + "\u202e\""
	for _, name := range []string{"", evil, "a/b", strings.Repeat("a", 65)} {
		p := w.post("/world/snapshots", url.Values{"name": {name}}).is(t, http.StatusUnprocessableEntity, "A snapshot's name is 1 to 64 characters")
		if strings.Contains(p.body, "<script>alert") || strings.Contains(p.body, "\u202e") {
			t.Errorf("%q is on the page as it came", name)
		}
	}
	w.post("/world/snapshots", url.Values{"name": {"start"}}).is(t, http.StatusConflict, "takes itself")
	if p := w.get("/world/snapshots/restore?"+url.Values{"name": {evil}}.Encode()).is(t, http.StatusNotFound, "There is no snapshot"); strings.Contains(p.body, "<script>alert") {
		t.Error("a name is on the page as it came")
	}
	// A form of a snapshot that was taken anew since.
	w.post("/world/snapshots", url.Values{"name": {"a"}}).is(t, http.StatusSeeOther)
	stale := formOf(t, w.get("/world/snapshots/restore?name=a"), "a")
	w.post("/world/snapshots", url.Values{"name": {"a"}}).is(t, http.StatusSeeOther)
	w.subscribe(legacy, alice, "")
	for _, act := range []string{"restore", "drop"} {
		w.post("/world/snapshots/"+act, stale).is(t, http.StatusConflict, "was taken anew since you looked at it")
	}
	if list, err := w.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{}); err != nil || len(list) != 1 {
		t.Errorf("a stale form changed something: %+v, %v", list, err)
	}
	if drop := formOf(t, w.get("/world/snapshots/restore?name=start"), "start"); true {
		w.post("/world/snapshots/drop", drop).is(t, http.StatusConflict, "it stays")
	}
	w.get("/world/snapshots/drop").is(t, http.StatusMethodNotAllowed)
}

func TestSnapshotsAreNotEverywhere(t *testing.T) {
	serve := newWorld(t, worldConfig{world: peopledWorld(), serve: true})
	for _, p := range []page{
		serve.get("/world/snapshots"), serve.post("/world/snapshots", url.Values{"name": {"a"}}), serve.get("/world/snapshots/restore?name=start"),
		serve.post("/world/snapshots/restore", url.Values{"name": {"start"}}), serve.post("/world/snapshots/drop", url.Values{"name": {"start"}}),
	} {
		p.is(t, http.StatusNotFound, "started without --simulation")
	}
	if p := serve.get("/world"); strings.Contains(p.body, "/world/snapshots") {
		t.Error("the navigation leads to snapshots")
	}
	none := newWorld(t, worldConfig{world: peopledWorld(), faulty: func(s market.Store) market.Store { return struct{ market.Store }{s} }})
	none.get("/world/snapshots").is(t, http.StatusOK, "This store takes no snapshots")
	none.post("/world/snapshots", url.Values{"name": {"a"}}).is(t, http.StatusNotImplemented, "This store takes no snapshots")
}
