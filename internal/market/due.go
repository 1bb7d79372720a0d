package market

import (
	"context"
	"time"
)

// NextDue is when the next thing falls due by itself: an agreement starts, ends or closes down. False: nothing ever does.
//
// Errors: Forbidden.
func (s *Service) NextDue(ctx context.Context, c Caller) (at time.Time, ok bool, err error) {
	if err := operatorOnly(c); err != nil {
		return time.Time{}, false, err
	}
	now := s.enter(time.Time{})
	defer s.leave()
	if err := s.settled(ctx, now); err != nil {
		return time.Time{}, false, err
	}
	err = s.store.View(ctx, func(tx Tx) error {
		a, found, err := tx.NextDue()
		at, ok = a.DueAt, found
		return err
	})
	return at, ok, asMarket("find what is due next", err)
}
