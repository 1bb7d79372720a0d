package admin

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/replay"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/tryit"
)

// Config is what an API is made of. Service, Credentials, Log and Info are required.
type Config struct {
	Service     *market.Service
	Credentials *account.Credentials // to issue sessions
	Log         *reqlog.Log          // of the AWS face's requests
	// Clock and Faults are nil where they are not to be touched (serve without --simulation): their routes then answer 403.
	Clock  *clock.Clock
	Faults *fault.Set
	// Replay sends requests again; nil where that is not offered (serve without --simulation).
	Replay *replay.Sender
	// Info is what there is to know to use this Souk. It is asked anew for each request.
	Info func() Info
	// SaveClock keeps the clock's state; it is called after each change of the clock, before the answer. nil: nothing is kept.
	SaveClock func(ctx context.Context) error
	// Registry is what /metrics shows; nil: nothing.
	Registry prometheus.Gatherer
	Logger   *slog.Logger // nil: none
	// Ready says whether this Souk can serve; nil: whether its store answers.
	Ready func(ctx context.Context) error
}

// API is the control API. It has no state of its own but its followers.
type API struct {
	service     *market.Service
	credentials *account.Credentials
	log         *reqlog.Log
	clock       *clock.Clock
	faults      *fault.Set
	info        func() Info
	replay      *replay.Sender
	saveClock   func(ctx context.Context) error
	ready       func(ctx context.Context) error
	logger      *slog.Logger
	tester      *tryit.Tester
	metrics     http.Handler
	handler     http.Handler

	open   context.Context // ends with Close
	finish context.CancelFunc
}

// New makes an API.
func New(cfg Config) *API {
	a := &API{
		service: cfg.Service, credentials: cfg.Credentials, log: cfg.Log, clock: cfg.Clock, faults: cfg.Faults, info: cfg.Info, replay: cfg.Replay,
		saveClock: cfg.SaveClock, ready: cfg.Ready, logger: cfg.Logger,
	}
	if a.logger == nil {
		a.logger = slog.New(slog.DiscardHandler)
	}
	if a.ready == nil {
		a.ready = a.service.Ready
	}
	if a.saveClock == nil {
		a.saveClock = func(context.Context) error { return nil }
	}
	a.metrics = metricsHandler(cfg.Registry, a.logger)
	a.tester = tryit.New(tryit.Config{Service: cfg.Service, Log: cfg.Log})
	a.open, a.finish = context.WithCancel(context.Background())
	a.handler = a.mux()
	return a
}

// Close ends what never ends by itself: the answers to those who follow requests. Give it to http.Server.RegisterOnShutdown, since
// Shutdown waits for every answer.
func (a *API) Close() { a.finish() }

// Handler answers the routes of the OpenAPI document, and 404 in JSON to everything else.
func (a *API) Handler() http.Handler { return a.handler }

// Register puts the API's paths on a mux that has others too. Each is registered by method, so that no pattern of the
// others, "GET /" and "/" included, conflicts with it.
func (a *API) Register(mux *http.ServeMux) {
	for _, path := range []string{"/api/", "/healthz", "/readyz", "/metrics", "/openapi.yaml", "/openapi.json"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"} {
			mux.Handle(method+" "+path, a.handler)
		}
	}
}

// mux gathers the routes by path, so that a wrong method gets its 405 in JSON.
func (a *API) mux() http.Handler {
	mux := http.NewServeMux()
	byPath := map[string]methods{}
	for _, rt := range a.routes() {
		if byPath[rt.path] == nil {
			byPath[rt.path] = methods{}
		}
		byPath[rt.path][rt.method] = rt
	}
	for path, m := range byPath {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if err := m.serve(w, r); err != nil {
				a.fail(w, r, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, refuse(http.StatusNotFound, CodeNotFound, "there is nothing at %s; /openapi.yaml says what there is", r.URL.Path))
	})
	return mux
}

// handle answers a request, or returns why it does not; then it has written nothing.
type handle func(w http.ResponseWriter, r *http.Request) error

// methods are what one path answers.
type methods map[string]route

func (m methods) serve(w http.ResponseWriter, r *http.Request) error {
	rt, ok := m[r.Method]
	if !ok && r.Method == http.MethodHead {
		rt, ok = m[http.MethodGet]
	}
	if ok {
		if err := checkQuery(r, rt.query); err != nil && strings.HasPrefix(rt.path, "/api/") { // probes may say what they like
			return err
		}
		return rt.handle(w, r)
	}
	var allow []string
	for method := range m {
		allow = append(allow, method)
		if method == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	return refuse(http.StatusMethodNotAllowed, CodeMethodNotAllowed, "%s takes %s, not %s", r.URL.Path, strings.Join(allow, ", "), r.Method)
}
