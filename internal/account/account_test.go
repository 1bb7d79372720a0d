package account

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/iam"
	"github.com/souk-market/souk/internal/keyring"
)

const seller = "111122223333"

func document(effect, action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"` + action + `","Resource":"*"}]}`
}

func state() State {
	return State{
		Accounts: []Account{{ID: seller, Seller: true}, {ID: "444455556666", Suspended: true}},
		Policies: []Policy{{Account: seller, Name: "Shared", Document: document("Allow", "aws-marketplace:ResolveCustomer")}},
		Users: []User{
			{Identity{Account: seller, Name: "inline", Inline: []Inline{{Name: "P", Document: document("Allow", "aws-marketplace:*")}}}},
			{Identity{Account: seller, Name: "attached", Attached: []string{"Shared", "AWSMarketplaceGetEntitlements"}}},
			{Identity{Account: seller, Name: "bounded", Attached: []string{"AdministratorAccess"}, Boundary: "Shared"}},
			{Identity{Account: "444455556666", Name: "u"}},
		},
		Roles: []Role{{
			Identity: Identity{Account: seller, Name: "App", Attached: []string{"arn:aws:iam::" + seller + ":policy/Shared"}},
			Workload: ECSTask, WorkloadRegion: "eu-west-1",
		}},
		Keys: []AccessKey{
			{ID: "AKIAINLINE", Secret: "s1", Account: seller, User: "inline"}, {ID: "AKIASECOND", Secret: "s2", Account: seller, User: "inline"},
			{ID: "AKIAOFF", Secret: "s3", Account: seller, User: "inline", Inactive: true}, {ID: "AKIAROOT", Secret: "s4", Account: seller},
			{ID: "AKIAATTACHED", Secret: "s5", Account: seller, User: "attached"}, {ID: "AKIABOUNDED", Secret: "s6", Account: seller, User: "bounded"},
			{ID: "AKIASUSPENDED", Secret: "s7", Account: "444455556666", User: "u"},
		},
	}
}

func credentials(t *testing.T, s State) *Credentials {
	t.Helper()
	k, err := keyring.NewKey(rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c := &Credentials{Directory: new(Directory), Ring: new(keyring.Ring), Now: time.Now, Rand: rand.Reader}
	if err := c.Ring.Replace([]keyring.Key{k}); err != nil {
		t.Fatal(err)
	}
	if err := c.Directory.Replace(s); err != nil {
		t.Fatal(err)
	}
	return c
}

func may(p *Principal, action string) bool {
	return iam.Evaluate(&p.Grants, &iam.Request{Action: "aws-marketplace:" + action, Resource: "*"}).Allowed
}

func TestLookup(t *testing.T) {
	c := credentials(t, state())
	for id, want := range map[string]struct {
		secret, arn          string
		resolve, entitlement bool
	}{
		"AKIAINLINE":    {"s1", "arn:aws:iam::111122223333:user/inline", true, true},
		"AKIASECOND":    {"s2", "arn:aws:iam::111122223333:user/inline", true, true},
		"AKIAROOT":      {"s4", "arn:aws:iam::111122223333:root", true, true},
		"AKIAATTACHED":  {"s5", "arn:aws:iam::111122223333:user/attached", true, true},
		"AKIABOUNDED":   {"s6", "arn:aws:iam::111122223333:user/bounded", true, false},
		"AKIASUSPENDED": {"s7", "arn:aws:iam::444455556666:user/u", false, false},
	} {
		secret, p, err := c.Lookup(context.Background(), id, "")
		if err != nil || secret != want.secret || p.ARN != want.arn {
			t.Errorf("%s: %q, %v, %v", id, secret, p, err)
			continue
		}
		if may(p, "ResolveCustomer") != want.resolve || may(p, "GetEntitlements") != want.entitlement {
			t.Errorf("%s may resolve %v, get entitlements %v", id, may(p, "ResolveCustomer"), may(p, "GetEntitlements"))
		}
		if p.Suspended != (id == "AKIASUSPENDED") {
			t.Errorf("%s: suspended is %v", id, p.Suspended)
		}
	}
	for _, id := range []string{"AKIAOFF", "AKIANOBODY", "", "akiainline"} {
		if _, p, err := c.Lookup(context.Background(), id, ""); !errors.Is(err, ErrUnknownKey) || p != nil {
			t.Errorf("%q: %v, %v; want ErrUnknownKey", id, p, err)
		}
	}
}

func TestSession(t *testing.T) {
	c := credentials(t, state())
	now := time.Now()
	c.Now = func() time.Time { return now }
	role := "arn:aws:iam::" + seller + ":role/App"
	s, err := c.IssueSession(SessionInput{RoleARN: role, Name: "worker-1", Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.AccessKeyID, "ASIA") || len(s.AccessKeyID) != 20 || len(s.Secret) != 40 || len(s.Token) < 100 {
		t.Errorf("session %+v is not of AWS's form", s)
	}
	ctx := context.Background()
	secret, p, err := c.Lookup(ctx, s.AccessKeyID, s.Token)
	if err != nil || secret != s.Secret || p.ARN != "arn:aws:sts::111122223333:assumed-role/App/worker-1" || !may(p, "ResolveCustomer") {
		t.Errorf("Lookup = %q, %+v, %v", secret, p, err)
	}
	if p.Session != "worker-1" || p.Workload != ECSTask || p.WorkloadRegion != "eu-west-1" {
		t.Errorf("the session is %q of workload %q in %q", p.Session, p.Workload, p.WorkloadRegion)
	}
	if r, _ := c.Directory.Role(role); r.Session != "" {
		t.Errorf("the role itself has become session %q", r.Session)
	}
	other, err := c.IssueSession(SessionInput{RoleARN: role, Name: "worker-2", Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		id, token string
		want      error
	}{
		"no token":              {s.AccessKeyID, "", ErrUnknownKey},
		"another's token":       {s.AccessKeyID, other.Token, ErrBadSessionToken},
		"a line break in it":    {s.AccessKeyID, s.Token[:40] + "\n" + s.Token[40:], ErrBadSessionToken},
		"garbage":               {s.AccessKeyID, "garbage", ErrBadSessionToken},
		"token cut short":       {s.AccessKeyID, s.Token[:len(s.Token)-4], ErrBadSessionToken},
		"with a long-lived key": {"AKIAINLINE", s.Token, ErrBadSessionToken},
	} {
		if _, _, err := c.Lookup(ctx, tt.id, tt.token); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	now = now.Add(time.Hour)
	if secret, _, err := c.Lookup(ctx, s.AccessKeyID, s.Token); !errors.Is(err, ErrExpiredSession) || secret != "" {
		t.Errorf("after its life: %v, want ErrExpiredSession and no secret", err)
	}
	now = now.Add(-time.Hour)
	gone := state()
	gone.Roles = nil
	if err := c.Directory.Replace(gone); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Lookup(ctx, s.AccessKeyID, s.Token); !errors.Is(err, ErrBadSessionToken) {
		t.Errorf("its role is gone: %v, want ErrBadSessionToken", err)
	}
}

func TestIssueSessionRefuses(t *testing.T) {
	c := credentials(t, state())
	role := "arn:aws:iam::" + seller + ":role/App"
	for _, in := range []SessionInput{
		{RoleARN: role + "x", Name: "worker", Life: time.Hour}, {RoleARN: role, Name: "w", Life: time.Hour}, {RoleARN: role, Name: "a b", Life: time.Hour},
		{RoleARN: role, Name: strings.Repeat("x", 65), Life: time.Hour}, {RoleARN: role, Name: "worker", Life: 0}, {RoleARN: role, Name: "worker", Life: 13 * time.Hour},
	} {
		if s, err := c.IssueSession(in); err == nil {
			t.Errorf("%+v: issued %s", in, s.AccessKeyID)
		}
	}
}

// A state that does not compile changes nothing.
func TestReplaceRefuses(t *testing.T) {
	spoil := map[string]func(*State){
		"broken policy":            func(s *State) { s.Policies[0].Document = "{" },
		"broken inline policy":     func(s *State) { s.Users[0].Inline[0].Document = "{}" },
		"attached to nothing":      func(s *State) { s.Users[1].Attached = []string{"None"} },
		"another account's policy": func(s *State) { s.Users[3].Attached = []string{"arn:aws:iam::" + seller + ":policy/Shared"} },
		"boundary of nothing":      func(s *State) { s.Users[2].Boundary = "None" },
		"key of nobody":            func(s *State) { s.Keys[0].User = "nobody" },
		"key of no account":        func(s *State) { s.Keys[3].Account = "000000000000" },
	}
	for name, f := range spoil {
		c := credentials(t, state())
		s := state()
		f(&s)
		if err := c.Directory.Replace(s); err == nil {
			t.Errorf("%s: compiled", name)
		}
		if _, _, err := c.Lookup(context.Background(), "AKIAINLINE", ""); err != nil {
			t.Errorf("%s: the directory that was is gone: %v", name, err)
		}
	}
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{seller: true, "000000000000": true, "11112222333": false, "1111222233334": false, "11112222333a": false, "": false, "１１１１": false} {
		if ValidID(id) != want {
			t.Errorf("ValidID(%q) = %v", id, !want)
		}
	}
}
