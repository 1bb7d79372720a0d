package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/api"
	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/pubkeys"
	"github.com/souk-market/souk/internal/quota"
	"github.com/souk-market/souk/internal/registration"
	"github.com/souk-market/souk/internal/replay"
	"github.com/souk-market/souk/internal/reqlog"
)

// registrationPath is where the built-in registration page is on the control listener.
const registrationPath = "/register"

// node is a running Souk: the only place where its parts are put together.
type node struct {
	Endpoint string // URL of the AWS face
	Control  string // URL of the control listener
	Info     func() admin.Info

	store   market.Store
	service *market.Service
	clock   *clock.Clock
	faults  *fault.Set
	close   []func() error // in the order of shutting down
	ready   atomic.Bool
	done    chan error

	stopSettling func()
	saving       sync.Mutex // from looking at the clock to keeping what it shows
}

// startNode brings a Souk up. When it returns, both listeners answer. The caller must end it with Close.
func startNode(ctx context.Context, cfg nodeConfig, getenv func(string) string, stderr io.Writer) (_ *node, err error) {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: logLevel(getenv("SOUK_LOG_LEVEL"))}))
	n := &node{done: make(chan error, 2)}
	defer func() {
		if err != nil {
			n.closeAll()
		}
	}()

	awsListener, err := n.listen(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	controlListener, err := n.listen(cfg.Control)
	if err != nil {
		return nil, fmt.Errorf("--control: %w", err)
	}
	if cfg.ControlToken == "" && !loopback(controlListener.Addr()) {
		return nil, fmt.Errorf("--control %s is not on loopback: give it a credential with --control-token-file or SOUK_CONTROL_TOKEN", cfg.Control)
	}
	tlsConfig, err := cfg.tls()
	if err != nil {
		return nil, err
	}
	n.Endpoint = "http://" + reachable(awsListener.Addr())
	if tlsConfig != nil {
		n.Endpoint = "https://" + reachable(awsListener.Addr())
	}
	n.Control = "http://" + reachable(controlListener.Addr())
	if tlsConfig != nil && !loopback(controlListener.Addr()) { // its credential does not cross a network in clear
		controlListener = tls.NewListener(controlListener, tlsConfig)
		n.Control = "https://" + reachable(controlListener.Addr())
	}

	if cfg.Create {
		if _, err := cfg.makeKey(getenv); err != nil {
			return nil, err
		}
	}
	store, err := cfg.open(ctx, getenv, cfg.Create, log)
	if err != nil {
		return nil, err
	}
	n.store = store
	n.close = append(n.close, store.Close)
	if err := refuseUnfinished(ctx, store, cfg.storeFlags.String()); err != nil {
		return nil, err
	}

	regions, err := cfg.regions()
	if err != nil {
		return nil, err
	}
	n.clock = clock.New(nil)
	directory, ring := new(account.Directory), new(keyring.Ring)
	marketConfig := market.Config{
		Store: store, Directory: directory, Ring: ring, Now: func() time.Time { return n.clock.Now() }, Rand: rand.Reader, Log: log,
		Regions: regions, TokenLife: cfg.TokenLife, TokenReuse: cfg.TokenReuse, UsageWindow: cfg.UsageWindow, Shared: cfg.Store != "",
	}
	if cfg.Mode == "dev" {
		marketConfig.BuiltinRegistrationURL = n.Control + registrationPath
	}
	if cfg.Simulation {
		marketConfig.OnRestore = n.putBack
	}
	if n.service, err = market.Open(ctx, marketConfig); err != nil {
		return nil, err
	}
	if err := n.restoreClock(ctx, cfg.Simulation); err != nil {
		return nil, err
	}
	if cfg.Sample {
		if err := applySample(ctx, n.service); err != nil {
			return nil, err
		}
	}
	if err := n.startSettling(ctx, log); err != nil {
		return nil, err
	}
	if cfg.Simulation {
		if err := n.service.SnapshotStart(ctx); err != nil {
			return nil, err
		}
	}
	n.startFollowing(ctx, store, cfg.Simulation, log)
	credentials := &account.Credentials{Directory: directory, Ring: ring, Now: time.Now, Rand: rand.Reader}

	limits, err := cfg.quotas()
	if err != nil {
		return nil, err
	}
	faults := fault.New(fault.Config{Seed: cfg.FaultSeed, Log: log, Known: api.KnownCode})
	n.faults = faults
	registry := prometheus.NewRegistry()
	metrics := newMetrics(registry)
	access, err := n.accessLog(cfg.AccessLog, stderr, log)
	if err != nil {
		return nil, err
	}
	records := reqlog.New(reqlog.Config{Capacity: cfg.Requests, AccessLog: access, Observe: metrics.observe})

	apiConfig := api.Config{
		Service: n.service, Credentials: credentials, Records: records, Faults: faults,
		Quotas: quota.New(limits, nil), Log: log, Secure: tlsConfig != nil, EchoCanonical: cfg.EchoCanonical,
		MaxWait: cfg.MaxWait, MaxConnections: maxConnections(cfg.MaxConnections, log),
	}
	if cfg.Store != "" && cfg.MaxStaleness > 0 {
		apiConfig.Stale = func() string { return stale(n.service.Behind(), cfg.MaxStaleness) }
	}
	if cfg.PinRegion {
		apiConfig.Region = cfg.Region
	}
	if cfg.Relaxed {
		apiConfig.Relaxed = func(keyID string) *account.Principal { return relaxed(directory, keyID) }
	}
	face := api.New(apiConfig)
	metrics.watch(registry, face.Load)

	n.Info = func() admin.Info { return info(context.Background(), n, &cfg) }
	adminConfig := admin.Config{
		Service: n.service, Credentials: credentials, Log: records, Info: func() admin.Info { return n.Info() }, Registry: registry, Logger: log,
		SaveClock: n.saveClock,
		Ready: func(ctx context.Context) error {
			if !n.ready.Load() {
				return errors.New("shutting down")
			}
			return n.service.Ready(ctx)
		},
	}
	if cfg.Simulation {
		adminConfig.Clock, adminConfig.Faults = n.clock, faults
		adminConfig.Replay = replay.New(replay.Config{
			Log: records, Credentials: credentials, Endpoint: func() string { return n.Endpoint }, Region: cfg.Region, Do: replay.Client(),
		})
	}
	mux := http.NewServeMux()
	controlAPI := admin.New(adminConfig)
	controlAPI.Register(mux)
	publicKeys := pubkeys.Handler(n.service.PublicKeys)
	mux.Handle("GET "+pubkeys.SetPath, publicKeys)
	mux.Handle("GET "+path.Dir(pubkeys.PEMPath(1))+"/", publicKeys)
	environment, err := n.environment(ctx, &cfg)
	if err != nil {
		return nil, err
	}
	consoleConfig := console.Config{
		Service: n.service, Log: records, Logger: log, Environment: environment, SaveClock: n.saveClock, Credentials: credentials,
		Export: controlAPI.UsageExport(),
	}
	if cfg.Simulation {
		consoleConfig.Clock, consoleConfig.Faults = n.clock, faults
		consoleConfig.Replay = replay.Client()
	}
	if cfg.Mode != "dev" || cfg.ControlToken != "" {
		consoleConfig.SignIn = &console.SignIn{Token: cfg.ControlToken}
	}
	pages := console.New(consoleConfig)
	pages.Register(mux)
	guard := admin.GuardConfig{Token: cfg.ControlToken, Hosts: cfg.ControlHosts, Logger: log}
	if cfg.Mode == "dev" {
		key, err := sampleSellerKey(ctx, n.service)
		if err != nil {
			return nil, err
		}
		page := registration.New(registration.PageConfig{
			Endpoint: func() string { return n.Endpoint }, Region: cfg.Region, Key: key, Path: registrationPath, Log: log,
		})
		page.Register(mux)
		guard.CrossSitePaths = []string{registrationPath}
	}
	guard.Pages = func(r *http.Request) bool {
		return pages.Answers(mux, r) || r.URL.Path == registrationPath && guard.CrossSitePaths != nil && pages.SignedIn(r)
	}

	control := &http.Server{
		Handler: admin.Guard(guard, mux), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: cfg.controlTimeout(), WriteTimeout: 2 * cfg.controlTimeout(), IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
	control.RegisterOnShutdown(controlAPI.Close) // followers of the request log would hold the drain up
	control.RegisterOnShutdown(pages.Close)      // and so would pages that show them
	n.serve(log, "control listener", func() error { return control.Serve(controlListener) }, func(ctx context.Context) error {
		err := control.Shutdown(ctx)
		if err != nil {
			_ = control.Close()
		}
		return err
	})
	// Made last, drained first: probes are told that it is going away while the AWS face drains.
	n.serve(log, "AWS face", func() error { return face.Serve(awsListener, tlsConfig) }, face.Shutdown)
	n.ready.Store(true)
	return n, nil
}

// environment is what the console's Start page tells: where clients go and, in dev, with which key.
func (n *node) environment(ctx context.Context, cfg *nodeConfig) (console.Environment, error) {
	env := console.Environment{Endpoint: n.Endpoint, Region: cfg.Region}
	if cfg.Mode != "dev" {
		return env, nil
	}
	key, err := sampleSellerKey(ctx, n.service)
	env.Account, env.AccessKeyID, env.SecretAccessKey = sampleSeller, key.AccessKeyID, key.Secret
	return env, err
}

func (n *node) listen(addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	n.close = append(n.close, func() error { // harmless after the server has closed it
		if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return ln, nil
}

// drainTimeout is how long requests under way have to end, once a signal has come.
const drainTimeout = 10 * time.Second

// serve runs a server in the background. Shutting down drains it, before anything that was made earlier is closed. What is not done in time is cut.
func (n *node) serve(log *slog.Logger, name string, serve func() error, shutdown func(context.Context) error) {
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			n.done <- fmt.Errorf("%s: %w", name, err)
		}
	})
	n.close = append(n.close, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		if err := shutdown(ctx); err != nil {
			log.Warn("requests under way were cut", "listener", name, "after", drainTimeout)
		}
		wg.Wait()
		return nil
	})
}

// Wait blocks until ctx ends or a listener fails.
func (n *node) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.done:
		return err
	}
}

// Close drains both listeners and closes the store, last.
func (n *node) Close() error {
	n.ready.Store(false)
	return n.closeAll()
}

func (n *node) closeAll() error {
	var errs []error
	for i := len(n.close) - 1; i >= 0; i-- {
		errs = append(errs, n.close[i]())
	}
	n.close = nil
	return errors.Join(errs...)
}

func loopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

// reachable is the host and port at which a client on this machine reaches a listener.
func reachable(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok || !t.IP.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(t.Port))
}

func logLevel(name string) slog.Level {
	var l slog.Level
	if name == "" || l.UnmarshalText([]byte(name)) != nil {
		return slog.LevelInfo
	}
	return l
}
