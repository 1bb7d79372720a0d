// Package console is the pages of the control listener, rendered on the server: the storefront, where sample buyers subscribe to products
// and set up their accounts with sellers. It decides nothing itself: every act is one of market.Service.
//
// A page is one file of Go and one template of the same name. What they share: render.go (the frame and its headers), fail.go (the
// error page), words.go (what the domain's values are called in plain words).
//
// Where they are told to (Config.SignIn), the pages ask who looks, and show each what is theirs: signin.go is how somebody gets in, scope.go which pages
// are for whom, and what of the market is whose, market decides. They count on the listener around them to refuse cross-origin posts
// (http.CrossOriginProtection).
package console

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/replay"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/tryit"
)

// Config is what a Console is made of. Service is required.
type Config struct {
	Service     *market.Service
	Log         *reqlog.Log  // the requests that a subscription's page lists; nil: none
	Logger      *slog.Logger // failures, whose text pages withhold; nil: none
	Environment Environment  // what clients need, for the Start page
	// Clock and Faults are nil where they are not to be touched (serve without --simulation): their pages are not there then.
	Clock  *clock.Clock
	Faults *fault.Set
	// SaveClock keeps the clock's state; it is called after each change of the clock, before the answer. nil: nothing is kept.
	SaveClock   func(ctx context.Context) error
	Patience    time.Duration        // how long a page waits for figures that take long; 0: DefaultPatience
	Credentials *account.Credentials // to issue sessions; nil: none are issued here
	Export      http.Handler         // the control API's export of usage; nil: there is none
	// Replay sends requests again, to the AWS face and signed (replay.Client); nil where that is not offered (serve without --simulation).
	Replay func(*http.Request) (*http.Response, error)
	// SignIn has pages ask who looks; nil: whoever comes is the operator. It needs Credentials.
	SignIn *SignIn
}

// Console serves the pages. It is safe for concurrent use.
type Console struct {
	service *market.Service
	log     *reqlog.Log
	logger  *slog.Logger
	assets  assets
	pages   map[string]pageTemplate
	live    following
	acting  sync.Mutex // one act on an agreement, or on what is sold, at a time
	tester  *tryit.Tester
	ladder  ladder

	environment Environment
	tools       worldTools
	export      http.Handler
	replay      *replay.Sender // whose Do is nil where that is not offered
	figures     figures
	door        *door           // nil: nobody is asked who they are
	patterns    map[string]bool // that are registered
}

// New makes a Console.
func New(cfg Config) *Console {
	c := &Console{service: cfg.Service, log: cfg.Log, logger: cfg.Logger, assets: loadAssets()}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	c.tester = tryit.New(tryit.Config{Service: cfg.Service, Log: cfg.Log})
	c.tools.clock, c.tools.faults, c.tools.saveClock, c.tools.credentials = cfg.Clock, cfg.Faults, cfg.SaveClock, cfg.Credentials
	c.environment = cfg.Environment
	c.replay = replay.New(replay.Config{
		Log: cfg.Log, Credentials: cfg.Credentials, Endpoint: func() string { return c.environment.Endpoint }, Region: cfg.Environment.Region, Do: cfg.Replay,
	})
	c.export = cfg.Export
	c.figures.most = cfg.Patience
	c.door = newDoor(cfg.SignIn, cfg.Credentials)
	c.patterns = map[string]bool{}
	c.pages = loadPages()
	c.live.begin()
	return c
}

// Register puts the pages on mux, "/" with all that nobody else answers included.
func (c *Console) Register(mux *http.ServeMux) {
	c.handle(mux, "/{$}", methods{"GET": c.products})
	c.handle(mux, "/products/{code...}", methods{"GET": c.product})
	c.handle(mux, "/products/{code}/subscribe", methods{"POST": c.subscribe})
	c.handle(mux, "/products/{code}/registration-url", methods{"POST": c.changeRegistrationURL})
	c.handle(mux, "/sell", methods{"GET": c.sell})
	c.handle(mux, newProductPath, methods{"GET": c.newProduct, "POST": c.newProduct})
	c.handle(mux, "/products/{code}/edit", methods{"GET": c.editProduct, "POST": c.editProduct})
	c.handle(mux, "/products/{code}/clone", methods{"GET": c.cloneProduct, "POST": c.cloneProduct})
	c.handle(mux, "/products/{code}/offers/new", methods{"GET": c.editOffer, "POST": c.saveOffer})
	c.handle(mux, "/products/{code}/offers/{id}/edit", methods{"GET": c.editOffer, "POST": c.saveOffer})
	c.handle(mux, "/products/{code}/try", methods{"GET": c.tryProduct, "POST": c.postTry})
	c.handle(mux, "/subscriptions", methods{"GET": c.subscriptions})
	c.handle(mux, "/subscriptions/{id}", methods{"GET": c.subscription})
	c.handle(mux, "/subscriptions/{id}/setup", methods{"POST": c.setup})
	for _, d := range doings() {
		c.handle(mux, "/subscriptions/{id}/"+d.step, methods{"GET": c.askDoing(d), "POST": c.doDoing(d)})
	}
	c.handle(mux, "/start", methods{"GET": c.start})
	c.handle(mux, "/start/state", methods{"GET": c.startState})
	c.handle(mux, "/agreements", methods{"GET": c.agreements})
	c.handle(mux, "/agreements/{id}", methods{"GET": c.agreement})
	c.handle(mux, "/agreements/{id}/final-hour", methods{"GET": c.finalHourLeft})
	for act, done := range agreementActs() {
		c.handle(mux, "/agreements/{id}/"+act, methods{"POST": c.actOn(act, done)})
	}
	c.registerWorld(mux)
	c.handle(mux, "/requests", methods{"GET": c.requests})
	c.handle(mux, "/requests/live", methods{"GET": c.liveRequests})
	c.handle(mux, "/requests/{id}", methods{"GET": c.request})
	c.handle(mux, "/requests/{id}/compare", methods{"POST": c.compare})
	c.handle(mux, "/requests/{id}/replay", methods{"POST": c.sendAgain})
	c.handle(mux, "/usage", methods{"GET": c.usage})
	c.handle(mux, "/usage/records", methods{"GET": c.usageRecords})
	c.handle(mux, "/usage/export", methods{"GET": c.usageExport})
	c.handle(mux, "/assets/{name}", methods{"GET": c.asset})
	c.handle(mux, signInPath, methods{"GET": c.signInForm, "POST": c.signIn})
	c.handle(mux, "/sign-out", methods{"POST": c.signOut})
	c.handle(mux, "/", nil)
}

// handler answers one request, or returns the error that the error page tells of.
type handler func(w http.ResponseWriter, r *http.Request) error

// methods are the handlers of one path. GET answers HEAD, too.
type methods map[string]handler

// maxForm bounds the body of a POST, in bytes.
const maxForm = 64 << 10

func (c *Console) handle(mux *http.ServeMux, pattern string, m methods) {
	c.patterns[pattern] = true
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		w, r, admitted := c.admit(w, r, method, pattern)
		if !admitted {
			return
		}
		h, ok := m[method]
		switch {
		case len(m) == 0:
			h = noPage
		case !ok:
			w.Header().Set("Allow", m.allow())
			h = noMethod
		}
		if method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		}
		if err := h(w, r); err != nil {
			c.fail(w, r, err)
		}
	})
}

func (m methods) allow() string {
	var list []string
	for method := range m {
		list = append(list, method)
		if method == http.MethodGet {
			list = append(list, http.MethodHead)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
