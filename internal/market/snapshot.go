package market

import (
	"context"
	"log/slog"
	"regexp"
	"time"

	"github.com/souk-market/souk/internal/keyring"
)

// Snapshotter is a Store that can be put back to what it was. It is for marketplaces to play with: what was acknowledged since is gone.
type Snapshotter interface {
	// Snapshot keeps what the store has, under a name, in the place of what was kept under that name before.
	Snapshot(ctx context.Context, name string) error
	// SnapshotLater is Snapshot, too, but costs nothing until something is about to change: it is taken then.
	SnapshotLater(ctx context.Context, name string) error
	// Restore makes the store what it was, in one Update. Its Versions are new ones, but for Event, which is what it was.
	//
	// Errors: NotFound, Conflict for a snapshot of a store under another key, or of a later version.
	Restore(ctx context.Context, name string) error
	Snapshots(ctx context.Context) ([]SnapshotInfo, error) // by name
	// DropSnapshot forgets a snapshot, if it is there.
	DropSnapshot(ctx context.Context, name string) (dropped bool, err error)
}

// SnapshotInfo tells of a snapshot.
type SnapshotInfo struct {
	Name    string
	TakenAt time.Time // on the wall clock
	Bytes   int64
}

// StartSnapshot is the name of what the store was when this node started. It takes itself, and nobody drops it.
const StartSnapshot = "start"

// maxSnapshots bounds how many there are: in memory each is as large as the store.
const maxSnapshots = 100

var snapshotName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// snapshotter is what snapshots are asked of, if the caller may and the store can.
func (s *Service) snapshotter(c Caller, name string) (Snapshotter, error) {
	if err := operatorOnly(c); err != nil {
		return nil, err
	}
	sn, ok := s.store.(Snapshotter)
	switch {
	case !ok:
		return nil, fail(Unsupported, "this store takes no snapshots: only one of SQLite does, in memory or in a directory")
	case !snapshotName.MatchString(name):
		return nil, fail(Invalid, "a snapshot's name is 1 to 64 characters of A-Z, a-z, 0-9, and . _ -")
	}
	return sn, nil
}

// SnapshotStart notes that what the store has now is StartSnapshot. Where the store takes no snapshots it does nothing.
func (s *Service) SnapshotStart(ctx context.Context) error {
	sn, ok := s.store.(Snapshotter)
	if !ok {
		return nil
	}
	return asMarket("note the start", sn.SnapshotLater(ctx, StartSnapshot))
}

// Snapshot keeps the marketplace as it is, under a name, in the place of what was kept under that name before. What is minted from then on is sealed under
// a key that the snapshot does not have: tokens of before open after a Restore, and those of after, which are of a time that never was then, do not.
//
// Errors: Forbidden, Unsupported, Invalid, Conflict for the name that is not to be had and for too many snapshots.
func (s *Service) Snapshot(ctx context.Context, c Caller, name string) (SnapshotInfo, error) {
	sn, err := s.snapshotter(c, name)
	if err != nil {
		return SnapshotInfo{}, err
	}
	if name == StartSnapshot {
		return SnapshotInfo{}, fail(Conflict, "snapshot %q takes itself when Souk starts: choose another name", name)
	}
	s.snapshotting.Lock()
	defer s.snapshotting.Unlock()
	had, err := sn.Snapshots(ctx)
	if err != nil {
		return SnapshotInfo{}, asMarket("take snapshot", err)
	}
	if _, ok := snapshotIn(had, name); !ok && len(had) >= maxSnapshots {
		return SnapshotInfo{}, fail(Conflict, "there are %d snapshots, as many as there can be: drop one first", len(had))
	}
	if err := sn.Snapshot(ctx, name); err != nil {
		return SnapshotInfo{}, asMarket("take snapshot", err)
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	if err := s.renewKeys(detached, false); err != nil {
		return SnapshotInfo{}, asMarket("take snapshot", err)
	}
	had, err = sn.Snapshots(detached)
	taken, _ := snapshotIn(had, name)
	return taken, asMarket("take snapshot", err)
}

func snapshotIn(list []SnapshotInfo, name string) (SnapshotInfo, bool) {
	for _, info := range list {
		if info.Name == name {
			return info, true
		}
	}
	return SnapshotInfo{}, false
}

// Snapshots lists them, by name.
//
// Errors: Forbidden, Unsupported.
func (s *Service) Snapshots(ctx context.Context, c Caller) ([]SnapshotInfo, error) {
	sn, err := s.snapshotter(c, StartSnapshot)
	if err != nil {
		return nil, err
	}
	list, err := sn.Snapshots(ctx)
	return list, asMarket("list snapshots", err)
}

// DropSnapshot forgets a snapshot.
//
// Errors: Forbidden, Unsupported, Invalid, NotFound, Conflict for StartSnapshot.
func (s *Service) DropSnapshot(ctx context.Context, c Caller, name string) error {
	sn, err := s.snapshotter(c, name)
	if err != nil {
		return err
	}
	if name == StartSnapshot {
		return fail(Conflict, "snapshot %q is what a reset goes back to: it stays", name)
	}
	dropped, err := sn.DropSnapshot(ctx, name)
	if err == nil && !dropped {
		err = fail(NotFound, "there is no snapshot %q", name)
	}
	return asMarket("drop snapshot", err)
}

// Restore makes the marketplace what it was when a snapshot was taken. Calls that are under way end first, and those that come meanwhile wait: each is
// before it or after it. Restoring StartSnapshot ends all tokens, since those of before the start were sealed under the same key as those of after.
//
// Errors: Forbidden, Unsupported, Invalid, NotFound, Conflict.
func (s *Service) Restore(ctx context.Context, c Caller, name string) error {
	sn, err := s.snapshotter(c, name)
	if err != nil {
		return err
	}
	s.restoring.Lock()
	defer s.restoring.Unlock()
	if err := ctx.Err(); err != nil { // it may have waited long
		return err
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	err = sn.Restore(context.WithoutCancel(ctx), name)
	if err != nil && CodeOf(err) != OutcomeUnsure {
		return asMarket("restore snapshot", err)
	}
	if fresh := s.takeUp(detached, name == StartSnapshot); fresh != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "a snapshot was restored, and this node could not take it up", slog.String("error", fresh.Error()))
		if err == nil {
			err = fresh
		}
	}
	return asMarket("restore snapshot", err)
}

// takeUp forgets all that this node has in memory of a store that has become another one. The caller holds restoring.
func (s *Service) takeUp(ctx context.Context, retire bool) error {
	s.restored.Store(true)
	s.forgetAll()
	s.due.changed(0)
	s.minted.forget()
	s.follower.forget()
	// Parsed signing keys need not be forgotten: they are found by what the store says they are.
	if err := s.renewKeys(ctx, retire); err != nil {
		if fresh := s.refresh(ctx); fresh != nil {
			return fresh
		}
		return err
	}
	if s.onRestore == nil {
		return nil
	}
	return s.onRestore(ctx)
}

// renewKeys makes a sealing key that no snapshot has, and retires the others if that is wanted. It brings directory and ring up to date.
func (s *Service) renewKeys(ctx context.Context, retire bool) error {
	now := s.wall().UTC().Truncate(time.Millisecond)
	k, err := keyring.NewKey(s.rand, now)
	if err != nil {
		return err
	}
	return s.change(ctx, func(tx Tx) error {
		k.CreatedAt = now
		keys, err := tx.TokenKeys()
		if err != nil {
			return err
		}
		for _, old := range keys {
			if !k.CreatedAt.After(old.CreatedAt) { // the newest one seals
				k.CreatedAt = old.CreatedAt.Add(time.Millisecond)
			}
			if !retire || old.Retired {
				continue
			}
			old.Retired = true
			if err := tx.PutTokenKey(old); err != nil {
				return err
			}
		}
		return tx.PutTokenKey(k)
	})
}

// enter begins a call that looks at agreements, and answers its time: at, if that is given. Until leave, nothing is restored. So what a call has read,
// and how late it was then, still hold when it writes.
func (s *Service) enter(at time.Time) time.Time {
	s.restoring.RLock()
	if at.IsZero() || s.restored.Load() {
		// The clock may have been put back since a caller looked at it. It must not have happen what is not due.
		if now := s.now(); at.IsZero() || now.Before(at) {
			return now
		}
	}
	return at
}

// leave ends what enter began.
func (s *Service) leave() { s.restoring.RUnlock() }

// forget makes the next look at the store one at everything.
func (f *follower) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = Versions{}
}

// forget drops all notes: agreements may be gone, and others have their ids.
func (l *mintLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.next = nil, 0
}
