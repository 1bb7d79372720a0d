// Package api is the AWS face of Souk: the one HTTP handler that AWS SDKs talk to.
//
// A request passes these stations, in AWS's order of checks (docs/divergences.md, "Order of checks"):
//
//	protocol ─▶ too many? ─▶ size ─▶ syntax of the body ─▶ operation ─▶ a turn ─▶ signature ─▶ account ─▶ policy ─▶ quota
//	     ─▶ shape and constraints ─▶ fault rules ─▶ market.Service
//
// What it does when more is asked of it than it can answer is in admission.go.
//
// Its timeouts are those of its connections (conn.go). Each station can end it with an AWS error, in the caller's protocol. Whatever happens leaves exactly one request record.
//
// Beside the operations, and before all stations, it gives whoever asks the public keys of RegisterUsage (wellknown.go).
package api

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/pubkeys"
	"github.com/souk-market/souk/internal/quota"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
)

// Bounds of a request.
const (
	// MaxBody is the documented limit of a request ("must be less than 1 MB"), in bytes.
	MaxBody = 1 << 20
	// maxHeader bounds request line and headers together. net/http adds 4 KiB of its own to what it is told.
	maxHeader = 16<<10 - 4<<10
	// How long a client may take: over a whole request from its first byte on, over taking an answer, and until its next request. The last
	// outlasts the idle time of the SDKs' own pools (Go's: 90 s), so that it is they who close first.
	requestTimeout = 30 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute
)

// Config is what a Server is made of. Service, Credentials, Records and Quotas are required.
type Config struct {
	Service     *market.Service
	Credentials *account.Credentials
	Records     *reqlog.Log
	Faults      *fault.Set // nil: none, ever
	Quotas      *quota.Limiter
	Log         *slog.Logger

	// Region pins the face to one Region; "" answers for all.
	Region string
	// Secure says that the listener speaks TLS (aws:SecureTransport).
	Secure bool
	// Stale is why the node must not answer at the moment, because it cannot know what others have changed; "" while it can. nil: always.
	Stale func() string
	// EchoCanonical puts the canonical request into the message of a signature mismatch.
	EchoCanonical bool
	// MaxWait is how long a request may wait for a processor and for its turn before it is refused with ThrottlingException (admission.go). 0: as long
	// as it takes.
	MaxWait time.Duration
	// MaxConnections is how many connections may be open. Further ones are accepted when others have gone. 0: any number.
	MaxConnections int
	// Relaxed says who an unknown access key stands for, its signature unchecked. nil: nobody.
	Relaxed func(accessKeyID string) *account.Principal
	// Wall is the wall clock; nil: time.Now.
	Wall func() time.Time
}

// Server is the AWS face. It is an http.Handler, and brings the http.Server that its bounds are part of.
type Server struct {
	Config
	verifier  *sigv4.Verifier
	http      *http.Server
	limits    timeouts
	admission *admission
	capacity  *capacity
	calls     sync.Pool
	keys      http.Handler // the public keys
	warnOnce  sync.Once

	draining context.Context // ends with Shutdown: a call that a fault rule holds is let go then
	drain    context.CancelFunc
}

// New makes a Server.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	s := &Server{Config: cfg}
	s.admission, s.capacity = newAdmission(cfg.MaxWait), newCapacity(cfg.MaxConnections)
	s.calls.New = func() any { return newCall() }
	s.keys = pubkeys.Handler(func(ctx context.Context) ([]market.PublicKey, error) { return s.Service.PublicKeys(ctx) })
	s.draining, s.drain = context.WithCancel(context.Background())
	s.verifier = sigv4.New(sigv4.Config{Now: cfg.Wall, Region: cfg.Region, EchoCanonical: cfg.EchoCanonical, Lookup: s.lookup})
	s.limits = timeouts{idle: idleTimeout, request: requestTimeout, write: writeTimeout}
	s.http = &http.Server{ // its timeouts are the listener's business
		Handler: s, MaxHeaderBytes: maxHeader, DisableGeneralOptionsHandler: true, // "OPTIONS *" is answered like everything else
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug), ConnContext: withConn,
	}
	return s
}

// Serve answers on ln, over TLS if conf is given, until Shutdown. A Server serves once.
func (s *Server) Serve(ln net.Listener, conf *tls.Config) error {
	if s.MaxWait > 0 {
		if err := s.admission.probe.open(); err != nil {
			return err
		}
	}
	l := newListener(ln, conf, s.limits, s.answeredByHTTP)
	l.capacity = s.capacity
	return s.http.Serve(l)
}

// Shutdown stops accepting, lets go the calls that fault rules hold, and returns when what was under way is answered. When ctx ends first, the
// connections that are left are cut, and ctx's error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drain()
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	s.admission.probe.close()
	return err
}

// answeredByHTTP records an answer that net/http gave by itself, before any handler.
func (s *Server) answeredByHTTP(remote, requestID string, f *awsproto.Fault) {
	rec := s.Records.Begin()
	rec.ID, rec.Time, rec.MarketTime, rec.Remote = requestID, s.Wall(), s.Service.Now(), remote
	rec.Status, rec.ErrorCode, rec.ErrorMessage = f.Status, f.Code, f.Message
	rec.Reason = "net/http could not read the request; it never reached a handler"
	rec.Response = awsproto.JSON11.Codec().AppendFault(rec.Response[:0], f)
	s.Records.Commit(rec)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(r.TransferEncoding) > 0 {
		// A Content-Length may have stood beside it, which net/http takes out without a word. What stands before Souk may have gone by that, and sees two
		// requests where there is one, or the other way round: the connection must not be used again (RFC 9112, section 6.1). SDKs send no chunks.
		w.Header()["Connection"] = []string{"close"}
	}
	q := s.calls.Get().(*call)
	q.begin(s, r)
	ok := false
	defer func() {
		if !ok { // a panic in a handler is our fault, and the caller's business only as far as it is told so
			if v := recover(); v != nil {
				s.Log.LogAttrs(r.Context(), slog.LevelError, "panic in a handler", slog.String("id", q.rec.ID), slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			}
			q.finish(w, internalFault())
		}
		cut := q.cut
		q.end()
		s.calls.Put(q)
		if cut {
			panic(http.ErrAbortHandler) // closes the connection without a word
		}
	}()
	if pubkeys.Serves(r) {
		q.wellKnown(w)
	} else {
		f := q.answer()
		q.finish(w, f)
	}
	ok = true
}
