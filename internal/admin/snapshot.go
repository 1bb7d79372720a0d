package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// Snapshot is the marketplace as it was once, under a name.
type Snapshot struct {
	Name    string    `json:"name"` // "start": when this Souk started
	TakenAt time.Time `json:"taken_at"`
	Bytes   int64     `json:"bytes"`
}

func snapshot(s market.SnapshotInfo) Snapshot {
	return Snapshot{Name: s.Name, TakenAt: s.TakenAt.UTC(), Bytes: s.Bytes}
}

func (a *API) listSnapshots(w http.ResponseWriter, r *http.Request) error {
	if a.clock == nil {
		return notOffered("snapshots")
	}
	list, err := a.service.Snapshots(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	out := make([]Snapshot, len(list))
	for i, s := range list {
		out[i] = snapshot(s)
	}
	return answer(w, http.StatusOK, map[string][]Snapshot{"snapshots": out})
}

func (a *API) takeSnapshot(w http.ResponseWriter, r *http.Request) error {
	if a.clock == nil {
		return notOffered("snapshots")
	}
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	unhurried(w) // it takes as long as the store is large
	s, err := a.service.Snapshot(r.Context(), market.Operator(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, snapshot(s))
}

func (a *API) dropSnapshot(w http.ResponseWriter, r *http.Request) error {
	if a.clock == nil {
		return notOffered("snapshots")
	}
	if err := a.service.DropSnapshot(r.Context(), market.Operator(), r.PathValue("name")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) restoreSnapshot(w http.ResponseWriter, r *http.Request) error {
	return a.restore(w, r, r.PathValue("name"))
}

func (a *API) reset(w http.ResponseWriter, r *http.Request) error {
	return a.restore(w, r, market.StartSnapshot)
}

// restore makes the marketplace what it was, and answers with the clock, as it was put back.
func (a *API) restore(w http.ResponseWriter, r *http.Request, name string) error {
	if a.clock == nil {
		return notOffered("snapshots")
	}
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	unhurried(w)
	if err := a.service.Restore(r.Context(), market.Operator(), name); err != nil {
		return err
	}
	return a.answerClock(w, 0)
}

// Snapshots lists them, by name.
func (c *Client) Snapshots(ctx context.Context) ([]Snapshot, error) {
	var out struct{ Snapshots []Snapshot }
	err := c.do(ctx, call{method: "GET", path: "/api/v1/snapshots", out: &out})
	return out.Snapshots, err
}

// TakeSnapshot keeps the marketplace as it is, under a name, in the place of what was kept under that name.
func (c *Client) TakeSnapshot(ctx context.Context, name string) (out Snapshot, err error) {
	err = c.do(ctx, call{method: "PUT", path: "/api/v1/snapshots/" + segment(name), out: &out})
	return out, err
}

// DropSnapshot forgets a snapshot.
func (c *Client) DropSnapshot(ctx context.Context, name string) error {
	return c.do(ctx, call{method: "DELETE", path: "/api/v1/snapshots/" + segment(name)})
}

// RestoreSnapshot makes the marketplace what it was, and tells of the clock, which is put back with it.
func (c *Client) RestoreSnapshot(ctx context.Context, name string) (out ClockState, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/snapshots/" + segment(name) + "/restore", out: &out})
	return out, err
}

// Reset makes the marketplace what it was when Souk started.
func (c *Client) Reset(ctx context.Context) (out ClockState, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/reset", out: &out})
	return out, err
}
