package main

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/sigv4"
)

// site is what the clients share.
type site struct {
	journal *journal
	stream  *stream
	agent   sigv4.Key // a session of the agent's role

	// Of a round; only changed between rounds.
	nodes []*node
	now   time.Time // what the market's clock shows, or a little less

	mu     sync.Mutex
	recent [2][]attempt // of customers and of agents, the latest in the place of the oldest
	at     [2]int
	lost   []attempt // without an answer
	sales  []sale
}

// sale is a purchase that was acknowledged.
type sale struct {
	RegistrationToken    string    `json:"registration_token"`
	TokenExpiresAt       time.Time `json:"token_expires_at"`
	AgreementID          string    `json:"agreement_id"`
	LicenseARN           string    `json:"license_arn"`
	CustomerAWSAccountID string    `json:"customer_aws_account_id"`
}

const (
	remembered  = 4096 // attempts, of which some are sent again
	salesKept   = 256
	batchWindow = 20 // hours in which BatchMeterUsage, and
	agentWindow = 4  // MeterUsage surely take a record: they do for 24 and 6, but the clock goes on
)

// any is one of the nodes; clients need not know which are alive.
func (s *site) any(dice *rand.Rand) *node { return s.nodes[dice.IntN(len(s.nodes))] }

// remember notes attempts that any client may make again, even while they are under way.
func (s *site) remember(list []attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range list {
		kind := 0
		if a.token != "" {
			kind = 1
		}
		if len(s.recent[kind]) < remembered {
			s.recent[kind] = append(s.recent[kind], a)
			continue
		}
		s.recent[kind][s.at[kind]%remembered] = a
		s.at[kind]++
	}
}

// again is an attempt that was made before, if one is found that the market still takes.
func (s *site) again(dice *rand.Rand, agent bool) (attempt, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.recent[0]
	if agent {
		list = s.recent[1]
	}
	for range 4 {
		if len(list) == 0 {
			break
		}
		if a := list[dice.IntN(len(list))]; s.taken(a) {
			return a, true
		}
	}
	return attempt{}, false
}

// taken reports whether the market's clock still allows a record: it is not too old, and of this month, since the one before closes.
func (s *site) taken(a attempt) bool {
	window := time.Duration(batchWindow)
	if a.token != "" {
		window = agentWindow
	}
	at := time.Unix(a.hour*3600, 0).UTC()
	return s.now.Sub(at) < window*time.Hour && at.Month() == s.now.Month()
}

// keepLost notes attempts that had no answer. Half of them are sent again; so there are always some that nobody asks about any more.
func (s *site) keepLost(list []attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, a := range list {
		if i%2 == 0 && a.token == "" {
			s.lost = append(s.lost, a)
		}
	}
}

// takeLost are attempts that had no answer, to be made again as they were.
func (s *site) takeLost() (list []attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.lost) > 0 && len(list) < 25 {
		last := len(s.lost) - 1
		if a := s.lost[last]; s.taken(a) {
			list = append(list, a)
		}
		s.lost = s.lost[:last]
	}
	return list
}

func (s *site) keepSale(p sale) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sales) == salesKept {
		s.sales = append(s.sales[:0], s.sales[salesKept/2:]...)
	}
	s.sales = append(s.sales, p)
}

// sale is one whose token has hours to live.
func (s *site) sale(dice *rand.Rand) (sale, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sales) == 0 {
		return sale{}, false
	}
	p := s.sales[dice.IntN(len(s.sales))]
	return p, p.TokenExpiresAt.Sub(s.now) > 2*time.Hour
}
