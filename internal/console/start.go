package console

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
)

// Environment is what clients need to use this Souk.
type Environment struct {
	Endpoint string // URL of the AWS face; "": not known, and the Start page says so
	Region   string // that clients are to sign for
	// The sample seller's key and account. Only a Souk whose keys are public says them: the Start page shows what stands here.
	AccessKeyID, SecretAccessKey string
	Account                      string
}

// startPage is what a newcomer sees first.
type startPage struct {
	Block    string // for a POSIX shell, as `souk env` prints it
	HasKey   bool
	Known    bool // there is an endpoint to tell
	Product  string
	Snippets []snippet
	Ladder   ladderState
	Steps    []step
	Builtin  bool // there is a built-in registration page
}

// step is a rung of the ladder as the page shows it.
type step struct {
	ID      string
	Title   string
	Says    string
	Link    string // where it is done; "" for nowhere here
	LinkTo  string
	Command string
	Done    bool
	Seen    string
}

// The ladder, in its order.
const (
	stepBuiltin  = "builtin"
	stepOwn      = "own"
	stepMeter    = "meter"
	stepEntitled = "entitled"
)

// ladder remembers which steps were seen: requests leave the log in time, and a tick that was green stays so.
type ladder struct {
	mu   sync.Mutex
	seen map[string]string // by step: what was seen, in words
}

// ladderState is what the page's script asks for.
type ladderState struct {
	Steps []stepState `json:"steps"`
	Text  string      `json:"text"` // "2 of 4 steps done."
	Done  bool        `json:"done"` // all of them
}

type stepState struct {
	ID   string `json:"id"`
	Done bool   `json:"done"`
	Seen string `json:"seen"`
}

// samplePageAgent is how the built-in registration page calls itself in its requests.
const samplePageAgent = "souk-sample-seller/"

// maxResolved is how many of the newest resolutions are looked through for one of each kind.
const maxResolved = 100

// start is the page that a newcomer sees first.
func (c *Console) start(w http.ResponseWriter, r *http.Request) error {
	products, err := c.service.Products(r.Context(), callerIn(r.Context()))
	if err != nil {
		return err
	}
	state, err := c.look(r.Context())
	if err != nil {
		return err
	}
	env := c.environment
	page := startPage{Known: env.Endpoint != "", HasKey: env.AccessKeyID != "", Builtin: c.hasBuiltin(), Ladder: state}
	if page.Known {
		page.Block = shellBlock(env)
	}
	entitled, metered := sampleProducts(products, env.Account)
	if entitled.Code != "" {
		page.Product, page.Snippets = entitled.Code, snippets(entitled.Code)
	}
	page.Steps = stepsOf(state, entitled, metered)
	return c.render(w, response{status: http.StatusOK, page: "start", title: "Start", section: "start", style: "start.css", script: "start.js", body: page})
}

// startState is the ladder as it is now, for the page's script.
func (c *Console) startState(w http.ResponseWriter, r *http.Request) error {
	state, err := c.look(r.Context())
	if err != nil {
		return err
	}
	return answerJSON(w, state)
}

func (c *Console) hasBuiltin() bool { return c.service.RegistrationURL(market.Product{}) != "" }

// look finds out which steps have been done, and remembers them.
func (c *Console) look(ctx context.Context) (ladderState, error) {
	seen := c.ladder.look(c.log)
	if _, ok := seen[stepMeter]; !ok { // by a Souk that ran over the same store before, perhaps
		list, err := c.service.Usage(ctx, callerIn(ctx), market.UsageFilter{Limit: 1})
		if err != nil {
			return ladderState{}, err
		}
		if len(list) > 0 && list[0].Series.Resource == "" {
			seen[stepMeter] = "There is usage of product " + plain(list[0].Series.ProductCode) + "."
			c.ladder.remember(seen)
		}
	}
	steps := []string{stepBuiltin, stepOwn, stepMeter, stepEntitled}
	if !c.hasBuiltin() {
		steps = steps[1:]
	}
	var state ladderState
	done := 0
	for _, id := range steps {
		text, ok := seen[id]
		state.Steps = append(state.Steps, stepState{id, ok, text})
		if ok {
			done++
		}
	}
	state.Done = done == len(steps)
	state.Text = fmt.Sprintf("%d of %d steps done.", done, len(steps))
	return state, nil
}

// newcomer reports whether nothing was seen yet of what the Start page leads to, where its block can be pasted as it is.
func (c *Console) newcomer() bool {
	return c.environment.AccessKeyID != "" && len(c.ladder.look(c.log)) == 0
}

// look is what was seen so far, by now.
func (l *ladder) look(log *reqlog.Log) map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string]string{}
	}
	l.requests(log)
	return maps.Clone(l.seen)
}

// remember adds what was seen elsewhere.
func (l *ladder) remember(seen map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(l.seen, seen)
}

// requests looks through the log for the steps that were not seen yet. What it saw, it need not look for again.
func (l *ladder) requests(log *reqlog.Log) {
	if log == nil {
		return
	}
	note := func(id string, v reqlog.View) {
		l.seen[id] = "Seen at " + momentOf(v.MarketTime).Text + ", by " + plain(v.Principal) + ", request " + v.ID + "."
	}
	wanted := func(id string) bool { _, ok := l.seen[id]; return !ok }
	if wanted(stepBuiltin) || wanted(stepOwn) {
		for _, v := range slices.Backward(log.List(reqlog.Filter{Operation: "ResolveCustomer", Outcome: "ok", Limit: maxResolved})) {
			id := stepOwn
			if fromSamplePage(v) {
				id = stepBuiltin
			}
			if wanted(id) {
				note(id, v)
			}
		}
	}
	if wanted(stepMeter) {
		for _, v := range log.List(reqlog.Filter{Operation: "BatchMeterUsage", Outcome: "ok"}) {
			if metered(v) {
				note(stepMeter, v)
				break
			}
		}
	}
	if wanted(stepEntitled) {
		for _, v := range log.List(reqlog.Filter{Operation: "GetEntitlements", Outcome: "ok", Limit: 1}) {
			note(stepEntitled, v)
		}
	}
}

func fromSamplePage(v reqlog.View) bool {
	return slices.ContainsFunc(v.Headers, func(h reqlog.Header) bool {
		return strings.EqualFold(h.Name, "User-Agent") && strings.HasPrefix(h.Value, samplePageAgent)
	})
}

// metered reports whether a batch had a record that was taken: one that AWS answers 200 can have none. The answer is JSON, or CBOR, which
// the log shows in hexadecimal.
func metered(v reqlog.View) bool {
	return strings.Contains(v.Response, `"Success"`) || strings.Contains(v.Response, hex.EncodeToString([]byte("Success")))
}

// sampleProducts are the products that the page's examples are about: one with something bought up front and one with something metered, of the account
// whose key the page shows if it has such.
func sampleProducts(list []market.Product, account string) (entitled, metered market.Product) {
	pick := func(kind market.DimensionKind) (best market.Product) {
		rank := 0
		for _, p := range list {
			n := 1
			if p.Seller == account {
				n += 2
			}
			if slices.ContainsFunc(p.Dimensions, func(d market.Dimension) bool { return d.Kind == kind }) {
				n += 4
			}
			if n > rank {
				best, rank = p, n
			}
		}
		return best
	}
	return pick(market.Entitled), pick(market.Metered)
}
