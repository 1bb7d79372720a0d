package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	region = "us-east-1"

	sellerKey, sellerSecret = "AKIACRASHTESTSELLER0", "crash/test/seller/NOT+A+SECRET/EXAMPLE00"

	seller   = "111122223333"
	workload = "222233334444" // an account whose agents meter themselves
	stranger = "333344445555" // a buyer who never bought
	nobody   = "999999999999" // no account at all
	role     = "Agent"

	metered = "crashtest0product0meter0"
	sold    = "crashtest0product0sold00" // of which a buyer has any number of agreements

	customers  = 500 // who report usage
	purchasers = 8   // who buy
)

var dimensions = [...]string{"requests", "gigabytes", "minutes", "seats"}

// perHour is how many identities an hour has.
const perHour = customers * len(dimensions)

func customer(i int) string  { return fmt.Sprintf("5%011d", i) }
func purchaser(i int) string { return fmt.Sprintf("6%011d", i) }

// world is what there is before the first kill.
func world() string {
	var w strings.Builder
	fmt.Fprintf(&w, `
accounts:
  - {id: %q, name: Seller, seller: true}
  - {id: %q, name: Workload, buyer: true}
  - {id: %q, name: Stranger, buyer: true}
`, seller, workload, stranger)
	for i := range customers {
		fmt.Fprintf(&w, "  - {id: %q, name: Customer, buyer: true}\n", customer(i))
	}
	for i := range purchasers {
		fmt.Fprintf(&w, "  - {id: %q, name: Purchaser, buyer: true}\n", purchaser(i))
	}
	policy := `policies: [{name: All, document: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "aws-marketplace:*", Resource: "*"}]}}]`
	fmt.Fprintf(&w, "users:\n  - {account: %q, name: app, %s, access_keys: [{id: %s, secret: %s}]}\n", seller, policy, sellerKey, sellerSecret)
	fmt.Fprintf(&w, "roles:\n  - {account: %q, name: %s, workload: agentcore-runtime, %s}\n", workload, role, policy)
	fmt.Fprintf(&w, "products:\n  - {code: %s, seller: %q, title: Metered, kind: legacy, dimensions: [", metered, seller)
	for _, d := range dimensions {
		fmt.Fprintf(&w, "{key: %s, kind: metered}, ", d)
	}
	fmt.Fprintf(&w, "]}\n  - {code: %s, seller: %q, title: Sold, kind: concurrent-agreements, token_life: 24h, dimensions: [{key: d, kind: metered}]}\n", sold, seller)
	fmt.Fprintf(&w, "agreements:\n  - {product: %s, buyer: %q}\n", metered, workload)
	for i := range customers {
		fmt.Fprintf(&w, "  - {product: %s, buyer: %q}\n", metered, customer(i))
	}
	return w.String()
}

// stream gives out identities that nobody has used, hour after hour, and keeps the market's clock ahead of them.
type stream struct {
	first time.Time // its first hour: that of the next month, so that every agreement has begun and no month is over

	mu      sync.Mutex
	next, n int // given out; how many there may be in this round
	spare   int // how many more there may be for whom they are spared
}

// spared are for those who ask whether a node works, however much the clients took: see stream.takeSpare.
const spared = 500

func newStream(now time.Time) *stream {
	y, m, _ := now.UTC().Date()
	return &stream{first: time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC)}
}

// begin allows so many identities for a round, and says what the market's clock has to show for all of them to be in the past.
func (s *stream) begin(n int) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n, s.spare = s.next+n, spared
	return s.first.Add(time.Duration((s.n+s.spare+perHour-1)/perHour) * time.Hour)
}

// take is up to so many identities, fewer when the round has used its share up.
func (s *stream) take(n int) (list []identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; n > 0 && s.next < s.n; n-- {
		list = append(list, s.give())
	}
	return list
}

// takeSpare is one of those that are spared, if there is one left.
func (s *stream) takeSpare() (list []identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spare > 0 {
		s.spare--
		s.n++
		list = append(list, s.give())
	}
	return list
}

// give is the next identity.
func (s *stream) give() identity {
	i, hour := s.next%perHour, s.next/perHour
	s.next++
	return identity{buyer: customer(i / len(dimensions)), dimension: dimensions[i%len(dimensions)], hour: s.first.Unix()/3600 + int64(hour)}
}
