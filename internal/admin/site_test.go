package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/replay"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/world"
)

// site is a control listener over a real marketplace in memory. Whatever its client sends and gets is held to the OpenAPI document.
type site struct {
	store   market.Store
	service *market.Service
	clock   *clock.Clock
	faults  *fault.Set
	log     *reqlog.Log
	logs    *lockedBuffer
	api     *API
	server  *httptest.Server
	client  *Client
	conform *conform
}

// siteConfig changes what a site is made of.
type siteConfig struct {
	noSimulation bool
	saveClock    func(context.Context) error
	ready        func(context.Context) error
	guard        GuardConfig
	clientToken  string
}

func newSite(t *testing.T, cfg siteConfig) *site {
	t.Helper()
	ctx := t.Context()
	s := &site{clock: clock.New(nil), logs: new(lockedBuffer), log: reqlog.New(reqlog.Config{Capacity: 50})}
	logger := slog.New(slog.NewTextHandler(s.logs, nil))
	s.faults = fault.New(fault.Config{Seed: 7, Known: func(code string) bool { return code == "ThrottlingException" }})
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s.store = store
	directory, ring := new(account.Directory), new(keyring.Ring)
	s.service, err = market.Open(ctx, market.Config{
		Store: store, Directory: directory, Ring: ring, Now: s.clock.Now, Rand: rand.Reader, Regions: market.AllRegions(),
		BuiltinRegistrationURL: "http://127.0.0.1:7686/register",
		OnRestore:              func(context.Context) error { s.faults.Clear(); s.clock.Adopt(clock.State{}); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile("testdata/world.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file, err := world.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.service.ApplyWorld(ctx, market.Operator(), file.World); err != nil {
		t.Fatal(err)
	}
	if err := s.service.SnapshotStart(ctx); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "souk_test_total", Help: "Of the test."})
	registry.MustRegister(counter)
	c := Config{
		Service: s.service, Log: s.log, Clock: s.clock, Faults: s.faults, Registry: registry, Logger: logger,
		SaveClock: cfg.saveClock, Ready: cfg.ready,
		Credentials: &account.Credentials{Directory: directory, Ring: ring, Now: time.Now, Rand: rand.Reader},
		Info: func() Info {
			return Info{
				Endpoint: "http://127.0.0.1:7685", Control: "http://127.0.0.1:7686", Region: "us-east-1", Version: "test", Mode: "dev",
				Keys:     []KeyInfo{{Name: "seller", Account: "111122223333", AccessKeyID: "AKIAWEBSITEEXAMPLE01", SecretAccessKey: "s", Note: "may call everything"}},
				Products: []ProductInfo{{ProductCode: "legacy1", ProductID: "prod-1", Kind: market.Legacy, Title: "Legacy & sons"}},
			}
		},
	}
	c.Replay = replay.New(replay.Config{
		Log: s.log, Credentials: c.Credentials, Region: "us-east-1", Endpoint: func() string { return "http://127.0.0.1:7685" },
		Do: func(r *http.Request) (*http.Response, error) { return s.face(r) },
	})
	if cfg.noSimulation {
		c.Replay = nil
		c.Clock, c.Faults = nil, nil
	}
	s.api = New(c)
	cfg.guard.Logger = logger
	s.server = httptest.NewUnstartedServer(Guard(cfg.guard, s.api.Handler()))
	s.server.Config.RegisterOnShutdown(s.api.Close)
	s.server.Start()
	t.Cleanup(s.server.Close)
	t.Cleanup(s.api.Close)
	if s.client, err = NewClient(s.server.URL, cfg.clientToken); err != nil {
		t.Fatal(err)
	}
	s.conform = &conform{t: t, next: s.client.http.Transport}
	s.client.http.Transport = s.conform
	t.Cleanup(s.client.http.CloseIdleConnections)
	return s
}

// record commits a request of the AWS face.
func (s *site) record(id string, fill func(*reqlog.Record)) {
	r := s.log.Begin()
	r.ID, r.Time, r.MarketTime, r.Status = id, time.Now(), s.clock.Now(), 200
	r.Operation, r.Principal = "ResolveCustomer", "arn:aws:iam::111122223333:user/website"
	r.Authz = reqlog.Authz{Decided: true, Allowed: true, Effect: "Allow", Why: "a statement allows it"}
	r.Header = http.Header{"X-Amz-Target": {"AWSMPMeteringService.ResolveCustomer"}}
	if fill != nil {
		fill(r)
	}
	s.log.Commit(r)
}

// lockedBuffer is a log that tests read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
