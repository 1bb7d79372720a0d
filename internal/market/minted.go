package market

import (
	"context"
	"sync"
	"time"
)

// Minted is a registration token that was made, but for the token itself, which is the buyer's.
type Minted struct {
	AgreementID   string
	At, ExpiresAt time.Time // on the market's clock
	SingleUse     bool
}

// maxMinted is how many of the newest are remembered.
const maxMinted = 1000

// mintLog remembers tokens in memory, for people to look at: each carries all that there is to know of it, so no store keeps them. Its zero value is
// ready.
type mintLog struct {
	mu   sync.Mutex
	ring []Minted
	next int // the oldest, once the ring is full
}

func (l *mintLog) note(m Minted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ring) < maxMinted {
		l.ring = append(l.ring, m)
		return
	}
	l.ring[l.next] = m
	l.next = (l.next + 1) % maxMinted
}

// of lists an agreement's, oldest first.
func (l *mintLog) of(agreementID string) (list []Minted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.ring {
		if m := l.ring[(l.next+i)%len(l.ring)]; m.AgreementID == agreementID {
			list = append(list, m)
		}
	}
	return list
}

// MintedTokens lists the tokens that this node has minted for an agreement since it started, oldest first, as far as it remembers them. Whoever may read the
// agreement may read them.
func (s *Service) MintedTokens(ctx context.Context, c Caller, agreementID string) ([]Minted, error) {
	if err := mayRead(c, ReadAgreements|ReadSubscriptions); err != nil {
		return nil, err
	}
	list := s.minted.of(agreementID)
	if c.Operator || len(list) == 0 {
		return list, nil
	}
	seen := false
	err := s.store.View(ctx, func(tx Tx) error {
		a, ok, err := tx.Agreement(agreementID)
		seen = ok && seesAgreement(c, &a)
		return err
	})
	if err != nil || !seen {
		return nil, asMarket("list minted tokens", err)
	}
	return list, nil
}
