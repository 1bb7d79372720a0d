package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// snapshotsPath is where snapshots are listed and taken. Names go in forms and in the query, since not every name can stand in a path: "..".
const snapshotsPath = "/world/snapshots"

// snapshotsPage is what the page of snapshots shows.
type snapshotsPage struct {
	Nav     worldNav
	Cannot  bool // the store takes none
	Rows    []snapshotRow
	Name    string // that was asked for, and refused for the Problem
	Problem string
	Notice  string
	Confirm *snapshotRow // the one that is to be restored, if whoever looks means it
	Reset   bool         // and it is what Souk started with
}

// snapshotRow is a snapshot. Taken says which one of that name it is, so that a form is of the one that was looked at.
type snapshotRow struct {
	Name, Size, Taken string
	At                moment
	Start             bool
	Restore           string // address of the question whether it is meant
}

var snapshotNotices = map[string]string{
	"taken":    "The snapshot is taken. Registration tokens of before it go on opening when it is restored; those that are minted from now on do not.",
	"restored": "The marketplace and its clock are what they were. Faults have ended; the log of requests is still there.",
	"reset":    "The marketplace is what it was when Souk started. Faults, registration tokens and sessions have ended; the log of requests is still there.",
	"dropped":  "The snapshot is dropped.",
}

// snapshots lists them.
func (c *Console) snapshots(w http.ResponseWriter, r *http.Request) error {
	return c.showSnapshots(w, r, http.StatusOK, snapshotsPage{Notice: snapshotNotices[r.URL.Query().Get("notice")]})
}

func (c *Console) showSnapshots(w http.ResponseWriter, r *http.Request, status int, page snapshotsPage) error {
	rows, err := c.snapshotRows(r.Context())
	if market.CodeOf(err) == market.Unsupported {
		page.Cannot, err = true, nil
	}
	if err != nil {
		return err
	}
	page.Nav, page.Rows, page.Name = c.worldNav("snapshots"), rows, plain(page.Name)
	return c.render(w, response{status: status, page: "world_snapshots", title: "Snapshots", section: "world", style: "world.css", body: page})
}

// snapshotRows are the snapshots, the one of the start first.
func (c *Console) snapshotRows(ctx context.Context) ([]snapshotRow, error) {
	if c.tools.clock == nil {
		return nil, notSimulated("snapshots")
	}
	list, err := c.service.Snapshots(ctx, callerIn(ctx))
	if err != nil {
		return nil, err
	}
	rows := make([]snapshotRow, 0, len(list))
	for _, s := range list {
		row := snapshotRow{
			Name: plain(s.Name), At: momentOf(s.TakenAt), Taken: s.TakenAt.Format(time.RFC3339Nano), Start: s.Name == market.StartSnapshot,
			Size: strconv.FormatInt((s.Bytes+1023)/1024, 10) + " KB", Restore: snapshotsPath + "/restore?" + url.Values{"name": {s.Name}}.Encode(),
		}
		if row.Start {
			rows = slices.Insert(rows, 0, row)
			continue
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// takeSnapshot keeps the marketplace as it is.
func (c *Console) takeSnapshot(w http.ResponseWriter, r *http.Request) error {
	if c.tools.clock == nil {
		return notSimulated("snapshots")
	}
	if err := parseForm(r); err != nil {
		return err
	}
	name := r.PostForm.Get("name")
	_, err := c.service.Snapshot(r.Context(), callerIn(r.Context()), name)
	var refused *market.Error
	if errors.As(err, &refused) && (refused.Code == market.Invalid || refused.Code == market.Conflict) {
		return c.showSnapshots(w, r, statuses[refused.Code], snapshotsPage{Name: name, Problem: sentence(refused.Message)})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, snapshotsPath+"?notice=taken", http.StatusSeeOther)
	return nil
}

// confirmRestore asks whether it is meant.
func (c *Console) confirmRestore(w http.ResponseWriter, r *http.Request) error {
	row, err := c.snapshotOf(r.Context(), r.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	return c.showSnapshots(w, r, http.StatusOK, snapshotsPage{Confirm: &row, Reset: row.Start})
}

// restoreSnapshot makes the marketplace what it was.
func (c *Console) restoreSnapshot(w http.ResponseWriter, r *http.Request) error {
	row, err := c.seenSnapshot(r)
	if err != nil {
		return err
	}
	if err := c.service.Restore(r.Context(), callerIn(r.Context()), row.Name); err != nil {
		return err
	}
	notice := map[bool]string{true: "reset", false: "restored"}[row.Start]
	http.Redirect(w, r, snapshotsPath+"?notice="+notice, http.StatusSeeOther)
	return nil
}

// dropSnapshot forgets a snapshot.
func (c *Console) dropSnapshot(w http.ResponseWriter, r *http.Request) error {
	row, err := c.seenSnapshot(r)
	if err != nil {
		return err
	}
	if err := c.service.DropSnapshot(r.Context(), callerIn(r.Context()), row.Name); err != nil {
		return err
	}
	http.Redirect(w, r, snapshotsPath+"?notice=dropped", http.StatusSeeOther)
	return nil
}

// seenSnapshot is the snapshot that a form is about, if it is still the one that was looked at.
func (c *Console) seenSnapshot(r *http.Request) (snapshotRow, error) {
	if err := parseForm(r); err != nil {
		return snapshotRow{}, err
	}
	row, err := c.snapshotOf(r.Context(), r.PostForm.Get("name"))
	if err == nil && row.Taken != r.PostForm.Get("taken") {
		err = &httpError{http.StatusConflict, "Snapshot “" + row.Name + "” was taken anew since you looked at it. Nothing was changed. Go back to the snapshots and look again."}
	}
	return row, err
}

// snapshotOf finds one.
func (c *Console) snapshotOf(ctx context.Context, name string) (snapshotRow, error) {
	rows, err := c.snapshotRows(ctx)
	if err != nil {
		return snapshotRow{}, err
	}
	at := slices.IndexFunc(rows, func(row snapshotRow) bool { return row.Name == name })
	if at < 0 {
		return snapshotRow{}, &httpError{http.StatusNotFound, "There is no snapshot “" + plain(name) + "”. It was dropped, or never taken."}
	}
	return rows[at], nil
}
