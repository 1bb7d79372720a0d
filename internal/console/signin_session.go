package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

const (
	sessionCookie  = "souk_session"
	sessionPurpose = "souk console session v1"
	// sessionLife is how long a session goes on, on the wall clock: the market's may be moved.
	sessionLife = 12 * time.Hour
	// maxSession bounds what is decoded at all, in characters. Ours have some 400.
	maxSession = 1024
)

// door is what asks who looks. Sessions are not stored: the cookie carries them, sealed under the store's ring, so every node knows them and none has to
// remember. What they say is held against the directory at each request, so that whoever may not sign in any more is signed out.
type door struct {
	token       tokenSum
	credentials *account.Credentials
	wait        time.Duration
	attempts    attempts
}

// tokenSum stands for the control token.
type tokenSum struct {
	set bool
	sum [sha256.Size]byte
}

func (t tokenSum) is(shown string) bool {
	sum := sha256.Sum256([]byte(shown))
	return t.set && subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1
}

func newDoor(s *SignIn, credentials *account.Credentials) *door {
	if s == nil {
		return nil
	}
	d := &door{token: tokenSum{set: s.Token != "", sum: sha256.Sum256([]byte(s.Token))}, credentials: credentials, wait: s.Wait}
	if d.wait <= 0 {
		d.wait = DefaultWait
	}
	return d
}

func (d *door) now() time.Time { return d.credentials.Now() }

// session is the content of the cookie.
type session struct {
	Key     string `json:"k,omitempty"` // access key id; "" for the operator's
	ARN     string `json:"r,omitempty"` // whom the key was of
	Proof   []byte `json:"p"`           // SHA-256 of the secret or token: with another one, it is another credential
	Issued  int64  `json:"i"`           // Unix seconds
	Expires int64  `json:"x"`
}

// check finds out whose a credential is: the operator's without a key's id.
func (d *door) check(ctx context.Context, keyID, secret string) (s session, ok bool) {
	sum := sha256.Sum256([]byte(secret))
	now := d.now()
	s = session{Key: keyID, Proof: sum[:], Issued: now.Unix(), Expires: now.Add(sessionLife).Unix()}
	if keyID == "" {
		return s, d.token.is(secret)
	}
	want, p, err := d.credentials.Lookup(ctx, keyID, "")
	wantSum := sha256.Sum256([]byte(want))
	same := subtle.ConstantTimeCompare(sum[:], wantSum[:]) == 1 // also for a key that there is not, so that it takes as long
	if err != nil || !same || want == "" || p.Suspended {
		return session{}, false
	}
	s.ARN = p.ARN
	return s, true
}

// viewer is who sent a request; false if that is not known.
func (c *Console) viewer(r *http.Request) (viewer, bool) {
	d := c.door
	if r.Header.Get("Authorization") != "" { // as for the control API
		shown := ""
		if _, password, ok := r.BasicAuth(); ok {
			shown = password
		} else if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
			shown = strings.TrimSpace(token)
		}
		return viewer{caller: market.Operator(), name: "the operator"}, d.token.is(shown)
	}
	for _, cookie := range r.CookiesNamed(cookieName(r)) {
		if s, ok := d.open(cookie.Value); ok {
			return d.viewerOf(s, r)
		}
	}
	return viewer{}, false
}

// viewerOf holds a session against what is so now.
func (d *door) viewerOf(s session, r *http.Request) (v viewer, ok bool) {
	if now := d.now().Unix(); now >= s.Expires || s.Expires-s.Issued > int64(sessionLife/time.Second) {
		return v, false
	}
	if s.Key == "" {
		v = viewer{caller: market.Operator(), name: "the operator", out: true}
		v.still = func() bool { return d.now().Unix() < s.Expires }
		return v, d.token.set && subtle.ConstantTimeCompare(s.Proof, d.token.sum[:]) == 1
	}
	secret, p, err := d.credentials.Lookup(r.Context(), s.Key, "")
	if err != nil || p.Suspended || p.ARN != s.ARN {
		return v, false
	}
	sum := sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(s.Proof, sum[:]) != 1 {
		return v, false
	}
	a, ok := d.credentials.Directory.Account(p.Account)
	if !ok {
		return v, false
	}
	rights := rightsOf(p, a, r, d.now())
	v = viewer{caller: market.Caller{Account: p.Account, ARN: p.ARN, Rights: rights}, name: viewerName(p, a), out: true}
	v.still = func() bool {
		now, ok := d.viewerOf(s, r)
		return ok && now.caller == v.caller
	}
	return v, true
}

// viewerName is how pages name a person: by the user, and the account.
func viewerName(p *account.Principal, a account.Account) string {
	name := plain(a.Name)
	if name == "" {
		name = "account " + a.ID
	}
	if p.Kind == account.IAMUser {
		return plain(p.Name) + " of " + name
	}
	return name
}

// cookieName says by its prefix that no other host, and nobody on a connection in clear, can have set it (RFC 6265bis, section 4.1.3).
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-" + sessionCookie
	}
	return sessionCookie
}

func (d *door) cookie(value string, r *http.Request) *http.Cookie {
	return &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
		MaxAge: int(sessionLife / time.Second),
	}
}

func (d *door) seal(s session, r *http.Request) (*http.Cookie, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("console: begin session: %w", err)
	}
	sealed, err := d.credentials.Ring.Seal(nil, d.credentials.Rand, sessionPurpose, text)
	if err != nil {
		return nil, fmt.Errorf("console: begin session: %w", err)
	}
	return d.cookie(base64.RawURLEncoding.EncodeToString(sealed), r), nil
}

func (d *door) open(value string) (s session, ok bool) {
	if len(value) > maxSession || strings.ContainsAny(value, "\r\n") {
		return s, false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil {
		return s, false
	}
	text, err := d.credentials.Ring.Open(nil, []byte(sessionPurpose), sealed)
	return s, err == nil && json.Unmarshal(text, &s) == nil
}
