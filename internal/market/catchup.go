package market

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
)

// Other nodes change the store that they share with this one. What this node keeps in memory follows them: it is told that there is news, or looks now
// and then, and takes up what the versions of the store say is new.

// follower is how far this node has come.
type follower struct {
	mu   sync.Mutex // one at a time
	seen Versions
	// at is when the last one began that went well: what had been committed by then is known here. It is read without mu, which somebody may hold who
	// waits for the store.
	at atomic.Pointer[time.Time]
}

// maxNews bounds how many lines of history are read to find out whose agreements were changed. After more, everything is forgotten.
const maxNews = 1000

// CatchUp takes up what other nodes have committed before it was called. changed is whether anything was that the house keeps: settings, keys.
func (s *Service) CatchUp(ctx context.Context) (changed bool, err error) {
	f := &s.follower
	f.mu.Lock()
	defer f.mu.Unlock()
	return s.catchUp(ctx)
}

// catchUp is CatchUp. The caller holds follower.mu.
func (s *Service) catchUp(ctx context.Context) (changed bool, err error) {
	f := &s.follower
	begun := s.wall()
	var now Versions
	var touched map[standingKey]struct{}
	var next int64
	err = s.store.View(ctx, func(tx Tx) (err error) {
		touched, next = nil, nothing
		if now, err = tx.Versions(); err != nil || now.Event == f.seen.Event {
			return err
		}
		if next, err = nextDue(tx); err != nil {
			return err
		}
		touched, err = touchedSince(tx, f.seen.Event)
		return err
	})
	if err != nil {
		return false, asMarket("catch up", err)
	}
	if now.Catalog != f.seen.Catalog || now.Event-f.seen.Event > maxNews {
		s.forgetAll()
	}
	for key := range touched {
		s.forget(key.product, key.buyer)
	}
	if now.Event != f.seen.Event {
		s.due.changed(next)
	}
	changed = now.House != f.seen.House
	if changed || now.Directory != f.seen.Directory {
		if err := s.refresh(ctx); err != nil { // which may see more than now says; then it is done once more
			return false, asMarket("catch up", err)
		}
	}
	f.seen = now
	f.at.Store(&begun)
	return changed, nil
}

// touchedSince is whose agreements have lines of history after a Seq, unless there are more lines than maxNews.
func touchedSince(tx Tx, seq int64) (map[standingKey]struct{}, error) {
	events, err := tx.Events(EventFilter{After: seq, Limit: maxNews + 1})
	if err != nil || len(events) > maxNews {
		return nil, err
	}
	seen, touched := map[string]bool{}, map[standingKey]struct{}{}
	for _, e := range events {
		if seen[e.AgreementID] {
			continue
		}
		seen[e.AgreementID] = true
		a, ok, err := tx.Agreement(e.AgreementID)
		if err != nil {
			return nil, err
		}
		if ok {
			touched[standingKey{a.ProductCode, a.Buyer}] = struct{}{}
		}
	}
	return touched, nil
}

// Behind is how long ago this node last knew what the store had.
func (s *Service) Behind() time.Duration { return s.wall().Sub(*s.follower.at.Load()) }

const (
	// unknownEvery is how often the store is asked, at most, about keys that the ring does not have. Whoever asks more often waits for their turn, and one
	// look answers all that wait.
	unknownEvery = 20 * time.Millisecond
	// unknownTimeout bounds such a look.
	unknownTimeout = 2 * time.Second
)

// unknownKey brings the ring up to date when a token names a key that it does not have.
func (s *Service) unknownKey() {
	asked := s.wall()
	f := &s.follower
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at.Load().After(asked) { // somebody has looked since
		return
	}
	if pause := unknownEvery - s.Behind(); pause > 0 && pause <= unknownEvery {
		time.Sleep(pause)
	}
	ctx, cancel := context.WithTimeout(context.Background(), unknownTimeout)
	defer cancel()
	_, _ = s.catchUp(ctx) // what cannot be read cannot be opened
}

// stateOf reads what refresh needs.
func stateOf(tx Tx) (state account.State, keys []keyring.Key, err error) {
	if state, err = tx.Directory(); err != nil {
		return state, nil, err
	}
	keys, err = tx.TokenKeys()
	return state, keys, err
}
