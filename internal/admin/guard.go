package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
)

// GuardConfig is how a control listener is guarded.
type GuardConfig struct {
	// Token is what every request but /healthz and /readyz must bring, as a bearer token or as the password of HTTP Basic, with any
	// user name; "" asks for nothing, which is for listeners on loopback.
	Token string
	// Hosts are names by which the listener may be called on loopback, beside localhost, *.localhost and IP addresses; without a port.
	Hosts []string
	// CrossSitePaths are the exact paths that pages of other origins may post to: the built-in registration page's is
	// posted to from the marketplace's.
	CrossSitePaths []string
	// Pages reports whether a request needs no Token here: it is for a page that asks for a credential itself, in a way that suits a browser. nil: none does.
	Pages  func(*http.Request) bool
	Logger *slog.Logger // nil: none
}

// guard stands before everything on the control listener.
type guard struct {
	token     [sha256.Size]byte
	wantToken bool
	hosts     []string
	crossSite []string
	csrf      *http.CrossOriginProtection
	pages     func(*http.Request) bool
	log       *slog.Logger
	next      http.Handler
}

// Guard stands before everything on the control listener, pages included:
//
//   - a page of another origin cannot act here (http.CrossOriginProtection), but on CrossSitePaths;
//   - a page of another origin cannot read here by having its name resolve to 127.0.0.1 (DNS rebinding): on loopback, the Host must be a
//     name of this machine;
//   - where there is a Token, it must be shown, but to Pages that ask for it themselves;
//   - bodies end at MaxBody bytes, a world's at MaxWorldBody;
//   - answers carry headers that let a browser do nothing with them. Pages replace the Content-Security-Policy with their own;
//   - a panic is logged and answered with 500.
func Guard(cfg GuardConfig, next http.Handler) http.Handler {
	g := &guard{
		token: sha256.Sum256([]byte(cfg.Token)), wantToken: cfg.Token != "", crossSite: slices.Clone(cfg.CrossSitePaths),
		csrf: http.NewCrossOriginProtection(), pages: cfg.Pages, log: cfg.Logger, next: next,
	}
	for _, name := range cfg.Hosts {
		g.hosts = append(g.hosts, strings.ToLower(strings.TrimSuffix(name, ".")))
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	return g
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent := &sentWriter{ResponseWriter: w}
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			panic(v)
		}
		e := internal(g.log, r, fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		if sent.begun { // too late to say so: the connection's end is the message
			panic(http.ErrAbortHandler)
		}
		writeError(w, e)
	}()

	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if len(r.TransferEncoding) > 0 { // a length may have stood beside it, for which net/http should end the connection and does not (RFC 9112, section 6.1)
		h.Set("Connection", "close")
	}

	if e := g.refuse(r); e != nil {
		if e.Status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", `Basic realm="Souk control", charset="UTF-8"`)
		}
		writeError(w, e)
		return
	}
	limit := int64(MaxBody)
	if r.Method == http.MethodPut && r.URL.Path == worldPath {
		limit = MaxWorldBody
	}
	if r.ContentLength > limit {
		writeError(w, refuse(http.StatusRequestEntityTooLarge, CodeTooLarge, "the request's body is larger than %d bytes", limit))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	g.next.ServeHTTP(sent, r)
}

// refuse says why a request does not come through; nil if it does.
func (g *guard) refuse(r *http.Request) *APIError {
	if !g.knownHost(r) {
		return refuse(http.StatusMisdirectedRequest, CodeMisdirected,
			"host %q is no name of this machine: use localhost or an IP address, or let it be known as a name of the control listener", r.Host)
	}
	if !slices.Contains(g.crossSite, r.URL.Path) {
		if err := g.csrf.Check(r); err != nil {
			return refuse(http.StatusForbidden, CodeForbidden, "refused: %v", err)
		}
	}
	if g.wantToken && r.URL.Path != "/healthz" && r.URL.Path != "/readyz" && !g.authorized(r) && (g.pages == nil || !g.pages(r)) {
		return refuse(http.StatusUnauthorized, CodeUnauthorized,
			"the control listener wants its token: as \"Authorization: Bearer\", or as a password with any user name")
	}
	return nil
}

// authorized compares hashes, so that neither the token's content nor its length shows in the time it takes.
func (g *guard) authorized(r *http.Request) bool {
	shown := ""
	if _, password, ok := r.BasicAuth(); ok {
		shown = password
	} else if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		shown = strings.TrimSpace(token)
	}
	sum := sha256.Sum256([]byte(shown))
	return subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1
}

// knownHost reports whether the request's Host is one that a page elsewhere cannot have taken for itself. Off loopback the
// names are the operator's business, and there is a token.
func (g *guard) knownHost(r *http.Request) bool {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		tcp, ok := local.(*net.TCPAddr)
		if !ok || !tcp.IP.IsLoopback() {
			return true
		}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(g.hosts, host) {
		return true
	}
	_, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil
}

// sentWriter remembers whether an answer has begun. Flushing and deadlines go through Unwrap (http.ResponseController).
type sentWriter struct {
	http.ResponseWriter
	begun bool
}

func (w *sentWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *sentWriter) WriteHeader(status int) {
	w.begun = w.begun || status >= 200 // 1xx are not the answer
	w.ResponseWriter.WriteHeader(status)
}

func (w *sentWriter) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}
