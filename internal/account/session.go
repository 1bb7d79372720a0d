package account

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/keyring"
)

// ErrUnknownKey, ErrExpiredSession and ErrBadSessionToken are why a look-up by access key finds nobody.
var (
	ErrUnknownKey      = errors.New("account: unknown or inactive access key")
	ErrExpiredSession  = errors.New("account: session has expired")
	ErrBadSessionToken = errors.New("account: session token does not belong to the access key")
)

const sessionPurpose = "souk session token v1"

// Session is a set of temporary credentials of a role.
type Session struct {
	AccessKeyID  string    `json:"access_key_id"` // ASIA…
	Secret       string    `json:"secret_access_key"`
	Token        string    `json:"session_token"`
	ExpiresAt    time.Time `json:"expiration"`
	PrincipalARN string    `json:"arn"`
}

// SessionInput asks for a session of a role.
type SessionInput struct {
	RoleARN string
	Name    string        // RoleSessionName, 2 to 64 characters
	Life    time.Duration // how long it lives
}

// Credentials turns access keys and session tokens into principals, and makes sessions. Sessions are not stored: the session token
// carries them, sealed under the ring, so every node knows them and none has to remember.
//
// Their life is measured on the wall clock: SDKs refresh by the wall clock, and a moved market clock must not make them stale.
type Credentials struct {
	Directory *Directory
	Ring      *keyring.Ring
	Now       func() time.Time // wall clock
	Rand      io.Reader
}

// sealedSession is the content of a session token.
type sealedSession struct {
	Key     string `json:"k"`
	Secret  string `json:"s"`
	Role    string `json:"r"`
	Name    string `json:"n"`
	Expires int64  `json:"x"` // Unix seconds
}

// Lookup finds the secret and the principal behind an access key, with the session token that came with it ("" if none).
// An active long-lived key with a session token, and a temporary key without or with another's, are refused.
func (c *Credentials) Lookup(_ context.Context, accessKeyID, sessionToken string) (secret string, p *Principal, err error) {
	if sessionToken == "" {
		e, ok := c.Directory.key(accessKeyID)
		if !ok {
			return "", nil, ErrUnknownKey
		}
		return e.key.Secret, e.principal, nil
	}
	s, err := c.open(sessionToken)
	if err != nil || s.Key != accessKeyID {
		return "", nil, ErrBadSessionToken
	}
	role, ok := c.Directory.Role(s.Role)
	if !ok {
		return "", nil, ErrBadSessionToken
	}
	session := *role
	session.ARN = "arn:aws:sts::" + role.Account + ":assumed-role/" + role.Name + "/" + s.Name
	session.UserID = role.UserID + ":" + s.Name
	session.Session = s.Name
	if c.Now().Unix() >= s.Expires {
		return "", &session, ErrExpiredSession
	}
	return s.Secret, &session, nil
}

func (c *Credentials) open(token string) (sealedSession, error) {
	var s sealedSession
	if strings.ContainsAny(token, "\r\n") { // encoding/base64 skips line breaks: a token with one in it is not the token that was issued
		return s, keyring.ErrOpen
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil {
		return s, err
	}
	plain, err := c.Ring.Open(nil, []byte(sessionPurpose), raw)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(plain, &s)
}

// IssueSession makes temporary credentials of a role.
func (c *Credentials) IssueSession(in SessionInput) (Session, error) {
	role, ok := c.Directory.Role(in.RoleARN)
	if !ok {
		return Session{}, fmt.Errorf("account: issue session: role %q does not exist", in.RoleARN)
	}
	if !validSessionName(in.Name) {
		return Session{}, fmt.Errorf("account: issue session: name %q must be 2 to 64 characters of [A-Za-z0-9_+=,.@-]", in.Name)
	}
	if in.Life < time.Second || in.Life > 12*time.Hour {
		return Session{}, fmt.Errorf("account: issue session: life %s must be from 1s to 12h", in.Life)
	}
	var seed [40]byte // 10 bytes make the key id, 30 the secret of 40 characters
	if _, err := io.ReadFull(c.Rand, seed[:]); err != nil {
		return Session{}, fmt.Errorf("account: issue session: %w", err)
	}
	s := sealedSession{
		Key:     "ASIA" + base32.StdEncoding.EncodeToString(seed[:10]),
		Secret:  base64.StdEncoding.EncodeToString(seed[10:]),
		Role:    in.RoleARN,
		Name:    in.Name,
		Expires: c.Now().Add(in.Life).Unix(),
	}
	plain, err := json.Marshal(s)
	if err != nil {
		return Session{}, fmt.Errorf("account: issue session: %w", err)
	}
	sealed, err := c.Ring.Seal(nil, c.Rand, sessionPurpose, plain)
	if err != nil {
		return Session{}, fmt.Errorf("account: issue session: %w", err)
	}
	return Session{
		AccessKeyID: s.Key, Secret: s.Secret, Token: base64.StdEncoding.EncodeToString(sealed),
		ExpiresAt:    time.Unix(s.Expires, 0).UTC(),
		PrincipalARN: "arn:aws:sts::" + role.Account + ":assumed-role/" + role.Name + "/" + in.Name,
	}, nil
}

func validSessionName(s string) bool {
	if len(s) < 2 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_+=,.@-", c) >= 0) {
			return false
		}
	}
	return true
}

// uniqueID derives the stable unique id that IAM shows for a principal (AIDA…, AROA…) from its ARN.
func uniqueID(prefix, arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}
