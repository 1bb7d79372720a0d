package market_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
)

func registration(version int) *market.RegisterUsageInput {
	return &market.RegisterUsageInput{ProductCode: legacy, PublicKeyVersion: version}
}

// verify checks a JWT as a seller does, with a published key, and answers its header and payload.
func verify(t *testing.T, key market.PublicKey, jwt string) (header, payload string) {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("%q has not three parts", jwt)
	}
	var raw [3][]byte
	for i, p := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(p); err != nil {
			t.Fatalf("part %d of %q: %v", i, jwt, err)
		}
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPSS(key.Key, crypto.SHA256, digest[:], raw[2], &rsa.PSSOptions{SaltLength: 32}); err != nil {
		t.Fatalf("signature of %q under key %d: %v", jwt, key.Version, err)
	}
	return string(raw[0]), string(raw[1])
}

func publicKeys(t *testing.T, f *fixture) []market.PublicKey {
	t.Helper()
	keys, err := f.PublicKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestRegisterUsageSignature(t *testing.T) {
	w := openWorkloads(t)
	pod := workload(account.EKSPod, "pod-1")
	key := publicKeys(t, w.fixture)[0]
	if key.Version != 1 || key.Key.N.BitLen() != 2048 || !key.RotatedAt.IsZero() {
		t.Errorf("the first key is version %d, of %d bits, rotated %s", key.Version, key.Key.N.BitLen(), key.RotatedAt)
	}
	for name, tt := range map[string]struct {
		nonce string
		has   bool
		want  string
	}{
		"without a nonce": {"", false, `null`},
		"an empty nonce":  {"", true, `""`},
		"a nonce":         {"c4e5", true, `"c4e5"`},
		"the longest":     {strings.Repeat("n", 255), true, `"` + strings.Repeat("n", 255) + `"`},
	} {
		in := registration(1)
		in.Nonce, in.HasNonce = tt.nonce, tt.has
		out, err := w.RegisterUsage(ctx, pod, in)
		if err != nil || !out.RotatedAt.IsZero() {
			t.Fatalf("%s: %+v, %v", name, out, err)
		}
		header, payload := verify(t, key, out.Signature)
		if want := `{"alg":"PS256","typ":"JWT"}`; header != want {
			t.Errorf("%s: header %s, want %s", name, header, want)
		}
		if want := `{"ProductCode":"` + legacy + `","PublicKeyVersion":1,"Nonce":` + tt.want + `,"PublicKeyRotationTimestamp":null}`; payload != want {
			t.Errorf("%s: payload %s, want %s", name, payload, want)
		}
	}
	// Whatever is in a nonce comes back.
	in := registration(1)
	in.Nonce, in.HasNonce = "\"\\<>&\u2028\x00é", true
	out, err := w.RegisterUsage(ctx, pod, in)
	if err != nil {
		t.Fatal(err)
	}
	_, payload := verify(t, key, out.Signature)
	var got struct{ Nonce string }
	if err := json.Unmarshal([]byte(payload), &got); err != nil || got.Nonce != in.Nonce {
		t.Errorf("nonce %q, %v; want %q", got.Nonce, err, in.Nonce)
	}
}

func TestRegisterUsageKeyVersions(t *testing.T) {
	w := openWorkloads(t)
	pod := workload(account.EKSPod, "pod-1")
	if _, err := w.RegisterUsage(ctx, pod, registration(1)); err != nil {
		t.Fatal(err)
	}
	made := w.now
	w.now = w.now.Add(time.Hour + 1234*time.Millisecond)
	rotated := w.now
	second, err := w.RotateSigningKey(ctx, op)
	if err != nil || second.Version != 2 {
		t.Fatalf("version %d, %v; want 2", second.Version, err)
	}
	keys := publicKeys(t, w.fixture)
	var got []string
	for _, k := range keys {
		got = append(got, fmt.Sprint(k.Version, " ", k.CreatedAt.Equal(made), k.CreatedAt.Equal(rotated), " ", k.RotatedAt.Equal(rotated), k.RotatedAt.IsZero()))
	}
	if diff := cmp.Diff([]string{"1 true false true false", "2 false true false true"}, got); diff != "" {
		t.Fatalf("keys: %s", diff)
	}
	if !keys[1].Key.Equal(second.Key) || keys[0].Key.Equal(keys[1].Key) {
		t.Error("the listed keys are not those that were made")
	}

	out, err := w.RegisterUsage(ctx, pod, registration(2))
	if err != nil || !out.RotatedAt.IsZero() {
		t.Errorf("the newest version: %+v, %v", out, err)
	}
	verify(t, keys[1], out.Signature)

	out, err = w.RegisterUsage(ctx, pod, registration(1))
	if want := rotated.Truncate(time.Second); err != nil || !out.RotatedAt.Equal(want) {
		t.Errorf("the older version: rotated %s, %v; want %s", out.RotatedAt, err, want)
	}
	_, payload := verify(t, keys[0], out.Signature)
	if want := fmt.Sprintf(`"PublicKeyRotationTimestamp":%d}`, rotated.Unix()); !strings.HasSuffix(payload, want) {
		t.Errorf("payload %s, want it to end in %s", payload, want)
	}
	for _, version := range []int{-1, 0, 3, 1 << 30} {
		if _, err := w.RegisterUsage(ctx, pod, registration(version)); market.CodeOf(err) != market.InvalidKeyVersion {
			t.Errorf("version %d: %v, want %s", version, err, market.InvalidKeyVersion)
		}
	}
	if _, err := w.RotateSigningKey(ctx, pod); market.CodeOf(err) != market.Forbidden {
		t.Errorf("a pod rotates the key: %v, want %s", err, market.Forbidden)
	}
}

func TestRegisterUsageRefusals(t *testing.T) {
	w := openWorkloads(t)
	task := workload(account.ECSTask, "task-1")
	as := func(change func(*market.Caller)) market.Caller {
		c := task
		change(&c)
		return c
	}
	in := func(change func(*market.RegisterUsageInput)) *market.RegisterUsageInput {
		i := registration(1)
		change(i)
		return i
	}
	ok := registration(1)
	const platform = "This operation can only be called from within an ECS task or an EKS pod"
	for name, tt := range map[string]struct {
		caller market.Caller
		in     *market.RegisterUsageInput
		code   market.Code
		text   string
	}{
		"Region without it":         {as(func(c *market.Caller) { c.Region = "cn-northwest-1" }), ok, market.DisabledAPI, ""},
		"an instance":               {as(func(c *market.Caller) { c.Workload = account.EC2Instance }), ok, market.WrongPlatform, platform},
		"an agent":                  {as(func(c *market.Caller) { c.Workload = account.AgentCore }), ok, market.WrongPlatform, platform},
		"a user":                    {as(func(c *market.Caller) { c.Workload, c.Session = "", "" }), ok, market.WrongPlatform, platform},
		"unknown product":           {task, in(func(i *market.RegisterUsageInput) { i.ProductCode = "x" }), market.InvalidProduct, ""},
		"another Region's workload": {as(func(c *market.Caller) { c.WorkloadRegion = "eu-west-1" }), ok, market.InvalidRegion, "eu-west-1"},
		"a nonce too long":          {task, in(func(i *market.RegisterUsageInput) { i.Nonce, i.HasNonce = strings.Repeat("n", 256), true }), market.Invalid, ""},
		"no such key":               {task, registration(2), market.InvalidKeyVersion, ""},
		"never bought":              {as(func(c *market.Caller) { c.Account = second }), ok, market.NotEntitled, "never bought"},
		"platform before product":   {as(func(c *market.Caller) { c.Workload = "" }), in(func(i *market.RegisterUsageInput) { i.ProductCode = "x" }), market.WrongPlatform, ""},
		"key before entitlement":    {as(func(c *market.Caller) { c.Account = second }), registration(2), market.InvalidKeyVersion, ""},
	} {
		out, err := w.RegisterUsage(ctx, tt.caller, tt.in)
		if market.CodeOf(err) != tt.code || out.Signature != "" || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %s with %q in it", name, err, tt.code, tt.text)
		}
	}
	if list := w.registrations(); len(list) != 0 {
		t.Errorf("what was refused is registered: %v", list)
	}
	if _, err := w.RegisterUsage(ctx, as(func(c *market.Caller) { c.Account = seller }), ok); err != nil {
		t.Errorf("the seller's preview: %v", err)
	}
}

func (w *workloads) registrations() (list []market.Registration) {
	w.t.Helper()
	if err := w.store.View(ctx, func(tx market.Tx) (err error) {
		list, err = tx.Registrations(legacy)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return list
}

// Only a workload's first call asks for an agreement, and that has to be live.
func TestRegisterUsageTwice(t *testing.T) {
	w := openWorkloads(t)
	running, late := workload(account.ECSTask, "running"), workload(account.ECSTask, "late")
	first := w.now
	if _, err := w.RegisterUsage(ctx, running, registration(1)); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
	ended := w.agreement
	ended.EndAt = w.now
	w.put(t, ended)
	if _, err := w.RegisterUsage(ctx, running, registration(1)); err != nil {
		t.Errorf("the running task, after the end: %v", err)
	}
	if _, err := w.RegisterUsage(ctx, late, registration(1)); market.CodeOf(err) != market.NotEntitled {
		t.Errorf("a new task, after the end: %v, want %s", err, market.NotEntitled)
	}
	abroad := running
	abroad.Region = "eu-west-1"
	if _, err := w.RegisterUsage(ctx, abroad, registration(1)); err != nil {
		t.Errorf("the running task, in another Region: %v", err)
	}
	want := []market.Registration{{ProductCode: legacy, Account: buyer, Resource: "running", Workload: "ecs-task", Region: "us-east-1", At: first}}
	if diff := cmp.Diff(want, w.registrations()); diff != "" {
		t.Error(diff)
	}
}

// Of many who need the first key at once, all get the same one; and so does another node.
func TestFirstSigningKeyAtOnce(t *testing.T) {
	w := openWorkloads(t)
	other := openOn(t, w.fixture)
	services := []*market.Service{w.Service, other}
	var lists [6][]market.PublicKey
	var wg sync.WaitGroup
	for i := range lists {
		wg.Go(func() {
			var err error
			if lists[i], err = services[i%2].PublicKeys(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, list := range lists {
		if len(list) != 1 || list[0].Version != 1 || !list[0].Key.Equal(lists[0][0].Key) {
			t.Errorf("caller %d has %d keys, and not the first caller's", i, len(list))
		}
	}
	// What one node rotates, the other knows.
	if _, err := w.RotateSigningKey(ctx, op); err != nil {
		t.Fatal(err)
	}
	if _, err := other.RegisterUsage(ctx, workload(account.EKSPod, "pod-1"), registration(2)); err != nil {
		t.Errorf("another node, with the key just made: %v", err)
	}
}

// openOn is another node over the same store.
func openOn(t *testing.T, f *fixture) *market.Service {
	t.Helper()
	s, err := market.Open(ctx, market.Config{
		Store: f.store, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: rand.Reader, Regions: market.AWSRegions(),
		Now: func() time.Time { return f.now }, Wall: func() time.Time { return f.wall },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
