package console

import (
	"net/netip"
	"sync"
	"time"
)

// Bounds of attempts to sign in.
const (
	// attemptsEach is how many failed attempts an address has in attemptsSpan.
	attemptsEach = 10
	attemptsSpan = time.Minute
	// attemptsKept is how many addresses are remembered.
	attemptsKept = 4096
)

// attempts counts failed attempts to sign in by where they come from. The zero value is ready.
type attempts struct {
	mu sync.Mutex
	of map[netip.Prefix]*tries
}

// tries is what is remembered of one address.
type tries struct {
	since time.Time
	count int
}

// take counts an attempt, which has failed until forget says otherwise, and reports whether it may be made.
func (a *attempts) take(remote string, now time.Time) bool {
	from := network(remote)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = map[netip.Prefix]*tries{}
	}
	t := a.of[from]
	if t == nil || now.Sub(t.since) >= attemptsSpan || now.Before(t.since) {
		if t == nil {
			a.makeRoom(now)
		}
		t = &tries{since: now}
		a.of[from] = t
	}
	if t.count >= attemptsEach {
		return false
	}
	t.count++
	return true
}

// forget clears an address: somebody there has a credential.
func (a *attempts) forget(remote string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.of, network(remote))
}

// makeRoom drops, under the lock, what is over; if nothing is, the oldest.
func (a *attempts) makeRoom(now time.Time) {
	if len(a.of) < attemptsKept {
		return
	}
	var oldest netip.Prefix
	for from, t := range a.of {
		if now.Sub(t.since) >= attemptsSpan {
			delete(a.of, from)
		} else if o := a.of[oldest]; o == nil || t.since.Before(o.since) {
			oldest = from
		}
	}
	if len(a.of) >= attemptsKept {
		delete(a.of, oldest)
	}
}

// network is where an address belongs: itself, or with IPv6, where one customer has a whole network, that. What is no address is all one.
func network(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	addr := at.Addr().Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits) // the bits fit
	return p
}
