package admin

import (
	"net/http"
	"regexp"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
)

// TokenKey is a key that seals registration tokens and sessions. Its secret never leaves the store.
type TokenKey struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	Active    bool      `json:"active"`  // it seals
	Retired   bool      `json:"retired"` // it opens nothing any more
}

// SessionInput asks for temporary credentials of a role.
type SessionInput struct {
	RoleARN     string `json:"role_arn"`
	SessionName string `json:"session_name"`       // 2 to 64 characters of [A-Za-z0-9_+=,.@-]
	Duration    string `json:"duration,omitempty"` // from "1s" to "12h"; "" for "1h", as AssumeRole
}

// Bounds of sessions: AssumeRole's (STS API reference), but for the lower one of Duration, so that a test can see one expire.
const (
	defaultSession = time.Hour
	minSession     = time.Second
	maxSession     = 12 * time.Hour
)

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func (a *API) listTokenKeys(w http.ResponseWriter, r *http.Request) error {
	keys, err := a.service.TokenKeys(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	out := make([]TokenKey, len(keys))
	active := -1
	for i, k := range keys {
		out[i] = tokenKey(k)
		if !k.Retired { // they are sorted as keyring picks: the newest of these seals
			active = i
		}
	}
	if active >= 0 {
		out[active].Active = true
	}
	return answer(w, http.StatusOK, map[string]any{"token_keys": out})
}

func tokenKey(k keyring.Key) TokenKey {
	return TokenKey{ID: k.ID.String(), CreatedAt: k.CreatedAt.UTC(), Retired: k.Retired}
}

func (a *API) rotateTokenKey(w http.ResponseWriter, r *http.Request) error {
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	k, err := a.service.RotateTokenKey(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	out := tokenKey(k)
	out.Active = true
	return answer(w, http.StatusCreated, out)
}

func (a *API) retireTokenKey(w http.ResponseWriter, r *http.Request) error {
	if err := a.service.RetireTokenKey(r.Context(), market.Operator(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) issueSession(w http.ResponseWriter, r *http.Request) error {
	var in SessionInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	life := defaultSession
	if in.Duration != "" {
		var err error
		if life, err = span("duration", in.Duration); err != nil {
			return err
		}
	}
	// IssueSession checks the same, but its errors do not tell the caller's mistakes from its own failures.
	switch _, ok := a.credentials.Directory.Role(in.RoleARN); {
	case in.RoleARN == "":
		return invalid("role_arn", "must be given")
	case !ok:
		return refuse(http.StatusNotFound, CodeNotFound, "role %q does not exist", in.RoleARN)
	case !sessionName.MatchString(in.SessionName):
		return invalid("session_name", "must be 2 to 64 characters of [A-Za-z0-9_+=,.@-], not %q", in.SessionName)
	case life < minSession || life > maxSession:
		return invalid("duration", "must be from %s to %s", minSession, maxSession)
	}
	session, err := a.credentials.IssueSession(account.SessionInput{RoleARN: in.RoleARN, Name: in.SessionName, Life: life})
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, session)
}
