package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/sigv4"
)

// config says what to do to whom.
type config struct {
	store    string // URL of a PostgreSQL database without a store; "": SQLite, in a directory of its own
	postgres bool   // a PostgreSQL of its own, in the place of store
	nodes    int    // 1 for SQLite
	clients  int
	kills    int
	records  int           // how many new ones there may be between two kills or faults, or none is left to judge them all after each
	pace     time.Duration // how long a client rests at most between two requests; 0: usualPace
	check    int           // `souk check` after every so many kills or faults, and in the end
	seed     uint64
	say      func(format string, args ...any) // how far it is
}

// sweep is a run.
type sweep struct {
	config
	*site
	engine  *engine
	dice    *rand.Rand
	clients []*client
	running []*node       // nil where one was killed
	starts  time.Duration // how long the last start took
	begun   time.Time
	result
}

// result is what a run has to tell.
type result struct {
	counts
	kills, killsInStart, checks int
	rows, agreements            int // in the ledger, in the end
	took                        time.Duration
}

func (r result) String() string {
	return fmt.Sprintf("%d kills (%d of them during a start), %d checks, %s\n"+
		"records: %d acknowledgements, %d of them again; %d duplicates and %d refusals; %d without an answer, of which %d were there\n"+
		"purchases: %d acknowledged, %d without an answer\n"+
		"the ledger has %d records and %d agreements: every acknowledged one once, none that was refused",
		r.kills, r.killsInStart, r.checks, r.took.Round(time.Second), r.Acknowledged, r.Repeated, r.Duplicates, r.counts.Refused, r.Unknown, r.UnknownThere,
		r.Purchases, r.PurchasesOut, r.rows, r.agreements)
}

// run kills and judges. An error is a finding, or says that it could not go on; the store then stays for whoever looks into it.
func run(ctx context.Context, c config) (result, error) {
	if c.postgres {
		db, err := startPlain(ctx)
		if err != nil {
			return result{}, fmt.Errorf("PostgreSQL: %w", err)
		}
		defer db.stop()
		c.store = db.url
		c.postgres = false
		r, err := run(ctx, c)
		if err != nil {
			err = fmt.Errorf("%w\nthe cluster:%s", err, db.leave())
		}
		return r, err
	}
	s, err := newSweep(c)
	if err != nil {
		return result{}, err
	}
	err = s.run(ctx)
	s.end(err == nil)
	if err != nil {
		return s.result, fmt.Errorf("after %d kills, seed %d, store %s: %w", s.result.kills, c.seed, strings.Join(s.engine.flags, " "), err)
	}
	return s.result, nil
}

// usualPace leaves no more than what a verdict after each kill can go through.
const usualPace = 4 * time.Millisecond

// newSweep is one that has not begun.
func newSweep(c config) (*sweep, error) {
	engine, err := newEngine(c.store)
	if err != nil {
		return nil, err
	}
	if c.pace == 0 {
		c.pace = usualPace
	}
	begun := time.Now()
	s := &sweep{
		config: c, engine: engine, dice: rand.New(rand.NewPCG(c.seed, 0)), running: make([]*node, c.nodes), starts: 50 * time.Millisecond, begun: begun,
		site: &site{journal: newJournal(), stream: newStream(begun)},
	}
	for i := range c.clients {
		s.clients = append(s.clients, newClient(s.site, c.seed, i, c.pace))
	}
	return s, nil
}

// end kills what is left of the nodes, and removes the engine if all is well.
func (s *sweep) end(well bool) {
	for _, n := range s.running {
		if n != nil {
			n.kill()
		}
	}
	s.result.counts, s.took = s.journal.tally(), time.Since(s.begun)
	if well {
		s.engine.remove()
	}
}

func (s *sweep) run(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	for s.result.kills < s.config.kills {
		if err := s.round(ctx); err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// begin makes the store, starts the nodes and makes the world.
func (s *sweep) begin(ctx context.Context) error {
	if err := s.engine.run(ctx, "init"); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.known(ctx)
}

// known waits until every node knows the keys that were made on the first, for which it has a second.
func (s *sweep) known(ctx context.Context) error {
	for begun, i := time.Now(), 0; i < len(s.running); {
		r, err := aws(ctx, s.running[i], "ResolveCustomer", sigv4.Key{AccessKeyID: sellerKey, Secret: sellerSecret}, []byte(`{"RegistrationToken":"none"}`))
		if err != nil {
			return err
		}
		a := send(http.DefaultClient, r)
		switch {
		case a.code == "InvalidTokenException":
			i++
		case time.Since(begun) > 10*time.Second:
			return fmt.Errorf("a node does not know the seller's key: %d, %s", a.status, a.body)
		default:
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}

// finish stops the nodes, once without a kill, and checks the store.
func (s *sweep) finish(ctx context.Context) error {
	for i, n := range s.running {
		s.running[i] = nil
		if err := n.stop(); err != nil {
			return err
		}
	}
	return s.checkStore(ctx)
}

// prepare makes the world, and the agent's credentials.
func (s *sweep) prepare(ctx context.Context) error {
	n := s.running[0]
	if err := n.Call(ctx, http.MethodPut, "/api/v1/world", []byte(world()), nil); err != nil {
		return err
	}
	var session struct {
		AccessKeyID     string `json:"access_key_id"`
		SecretAccessKey string `json:"secret_access_key"`
		SessionToken    string `json:"session_token"`
	}
	in := map[string]string{"role_arn": "arn:aws:iam::" + workload + ":role/" + role, "session_name": "agent-1", "duration": "12h"}
	if err := n.Call(ctx, http.MethodPost, "/api/v1/sessions", in, &session); err != nil {
		return err
	}
	s.agent = sigv4.Key{AccessKeyID: session.AccessKeyID, Secret: session.SecretAccessKey, SessionToken: session.SessionToken}
	return nil
}

// round is load, a kill in it, a new start, and a verdict.
func (s *sweep) round(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	stop := s.load(ctx)
	time.Sleep(5*time.Millisecond + time.Duration(s.dice.Int64N(int64(395*time.Millisecond))))
	if s.killSome() < len(s.running) {
		time.Sleep(50 * time.Millisecond) // the others go on meanwhile
	}
	stop()

	if s.check > 0 && s.result.kills%s.check == 0 {
		if err := s.checkStore(ctx); err != nil {
			return err
		}
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	if err := s.verdict(ctx); err != nil {
		return err
	}
	c := s.journal.tally()
	s.say("%d of %d kills, %d acknowledged, %d without an answer (%d there)", s.result.kills, s.config.kills, c.Acknowledged, c.Unknown, c.UnknownThere)
	return nil
}

// open allows a round's records, and sets the market's clock for them.
func (s *sweep) open(ctx context.Context) error {
	now := s.stream.begin(s.records)
	for _, n := range s.running {
		at, err := n.clock(ctx)
		if err == nil && at.Before(now) { // else another node has told it, or it is still the same hour
			err = n.Call(ctx, http.MethodPost, "/api/v1/clock/set", map[string]string{"to": now.Format(time.RFC3339)}, nil)
			if later, failed := n.clock(ctx); failed == nil && !later.Before(now) {
				err = nil // another node has told it in between: it may refuse to be set again, for it runs
			}
		}
		if err != nil {
			return err
		}
	}
	s.now, s.site.nodes = now, append([]*node(nil), s.running...)
	return nil
}

// load has the clients work until stop, which waits for the last answer.
func (s *sweep) load(ctx context.Context) (stop func()) {
	var over atomic.Bool
	var wg sync.WaitGroup
	for _, c := range s.clients {
		wg.Go(func() { c.work(ctx, &over) })
	}
	return func() {
		over.Store(true)
		wg.Wait()
	}
}

// killSome kills nodes, mostly one, and answers how many.
func (s *sweep) killSome() (n int) {
	n = 1
	if s.dice.IntN(3) == 0 {
		n += s.dice.IntN(len(s.running))
	}
	for _, i := range s.dice.Perm(len(s.running))[:n] {
		s.running[i].kill()
		s.running[i] = nil
		s.result.kills++
	}
	return n
}

// start starts the nodes that are not there. Some are killed while they start, and started again.
func (s *sweep) start(ctx context.Context) error {
	for i, n := range s.running {
		if n != nil {
			continue
		}
		for {
			n, err := s.engine.launch(ctx)
			if err != nil {
				return err
			}
			if s.result.kills > 0 && s.result.kills < s.config.kills && s.dice.IntN(5) == 0 {
				time.Sleep(time.Duration(s.dice.Int64N(int64(s.starts) * 5 / 4)))
				n.kill()
				s.result.kills++
				s.killsInStart++
				continue
			}
			if err := n.ready(); err != nil {
				return err
			}
			s.starts, s.running[i] = time.Since(n.started), n
			break
		}
	}
	return nil
}

// verdict holds what a node has to what the clients were told.
func (s *sweep) verdict(ctx context.Context) error {
	n := s.running[s.dice.IntN(len(s.running))]
	l, err := n.ledger(ctx)
	if err != nil {
		return err
	}
	findings := s.journal.judge(l, s.engine.over)
	at, err := n.clock(ctx)
	if err != nil {
		return err
	}
	if at.Before(s.now) {
		findings = append(findings, fmt.Sprintf("lost: the market's clock was set to %s, and shows %s", s.now, at))
	}
	if len(findings) > 0 {
		count := len(findings)
		return fmt.Errorf("%d findings:\n%s", count, strings.Join(findings[:min(count, 20)], "\n"))
	}
	s.rows, s.result.agreements = len(l.rows), 0
	for _, list := range l.agreements {
		s.result.agreements += len(list)
	}
	return nil
}

// clock is what the market's clock shows.
func (n *node) clock(ctx context.Context) (time.Time, error) {
	var clock struct{ Now time.Time }
	err := n.Call(ctx, http.MethodGet, "/api/v1/clock", nil, &clock)
	return clock.Now, err
}

// checkStore has souk check the store, which has no node if it is SQLite.
func (s *sweep) checkStore(ctx context.Context) error {
	s.checks++
	if err := s.engine.run(ctx, "check"); err != nil {
		return errors.Join(errors.New("the store is not sound"), err)
	}
	return nil
}
