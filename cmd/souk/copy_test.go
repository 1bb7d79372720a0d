package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/market/storetest"
	"github.com/souk-market/souk/internal/pgtest"
	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/transfer"
	"github.com/souk-market/souk/internal/vault"
)

// usedStore is a directory with a marketplace in which something has happened.
func usedStore(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "used")
	mustRun(t, "init", "--data", dir)
	cfg := devConfig()
	cfg.Data = dir
	n, err := startNode(context.Background(), cfg, noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	status, _, stderr := souk(t, n, "buy", "--product", "7gs5x0soukanalytics0legac")
	if err := n.Close(); err != nil || status != 0 {
		t.Fatalf("exit status %d, %s, %v", status, stderr, err)
	}
	return dir
}

func mustRun(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	status, stdout, stderr := runSouk(t, noEnv, args...)
	if status != 0 {
		t.Fatalf("%q: exit status %d\n%s%s", args, status, stdout, stderr)
	}
	return stdout, stderr
}

// everythingIn is what a directory's store has.
func everythingIn(t *testing.T, dir string) any {
	t.Helper()
	s, err := (&storeFlags{Data: dir}).open(t.Context(), noEnv, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return storetest.Everything(t, s)
}

// From a directory to a database and back to another directory: nothing is lost, and nobody else may be there meanwhile.
func TestCopyPostgres(t *testing.T) {
	_, url := pgtest.Shared(t).Database(t, "")
	first, last := usedStore(t), filepath.Join(t.TempDir(), "last")
	key := filepath.Join(t.TempDir(), "store.key")
	mustRun(t, "store-key", "make", key)
	mustRun(t, "init", "--store", url, "--store-key-file", key)
	mustRun(t, "init", "--data", last)

	there := []string{"copy", "--from", first, "--to", url, "--to-key-file", key}
	back := []string{"copy", "--from", url, "--from-key-file", key, "--to", last, "--json"}
	refused := func(args []string, want string) {
		t.Helper()
		if status, stdout, stderr := runSouk(t, noEnv, args...); status != exitFailed || stdout != "" || !strings.Contains(stderr, want) {
			t.Fatalf("%q: exit status %d\n%s%s", args, status, stdout, stderr)
		}
	}
	v, err := readStoreKey(key)
	if err != nil {
		t.Fatal(err)
	}
	node := openNode(t, url, v)
	refused(there, "souk: --to: postgres://127.0.0.1:")
	refused(there, "is open elsewhere: it has ")
	closeNode(t, node, url, v)

	stdout, stderr := mustRun(t, there...)
	if !strings.HasPrefix(stdout, "copied "+first) || !strings.Contains(stdout, "\n  accounts: 4\n") || !strings.HasSuffix(stdout, "\nsound: every rule holds\n") {
		t.Errorf("stdout\n%s", stdout)
	}
	if !strings.HasPrefix(stderr, "copying accounts: 4 of 4\n") || strings.Contains(stderr, "\x1b") {
		t.Errorf("stderr\n%s", stderr)
	}
	refused([]string{"copy", "--from", url, "--to", url, "--from-key-file", key, "--to-key-file", key}, "is open elsewhere")
	refused([]string{"copy", "--from", first, "--to", url}, "souk: --to: which key are the secrets")

	node = openNode(t, url, v)
	refused(back, "souk: --from: postgres://127.0.0.1:")
	refused(back, "--online-source copies what is there now")
	stdout, _ = mustRun(t, append(back, "--online-source")...)
	closeNode(t, node, url, v)
	var result copyDocument
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatal(err)
	}
	if result.Present || result.Resumed || result.Rows["accounts"] != 4 || result.Rows["agreements"] != 1 || len(result.Differences)+len(result.Problems) > 0 {
		t.Errorf("result %+v", result)
	}
	if diff := cmp.Diff(everythingIn(t, first), everythingIn(t, last)); diff != "" {
		t.Errorf("there and back (-first +last):\n%s", diff)
	}
	stdout, _ = mustRun(t, back...)
	if err := json.Unmarshal([]byte(stdout), &result); err != nil || !result.Present {
		t.Errorf("once more: %+v, %v", result, err)
	}
}

// openNode is a session or two of somebody else.
func openNode(t *testing.T, url string, v *vault.Vault) *sqlstore.Postgres {
	t.Helper()
	s, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresConfig{URL: url, Vault: v})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := transfer.Finished(t.Context(), s); err != nil { // which takes a connection
		t.Fatal(err)
	}
	return s
}

// closeNode ends them, and waits until the database knows.
func closeNode(t *testing.T, s *sqlstore.Postgres, url string, v *vault.Vault) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	eye, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresConfig{URL: sqlstore.AloneURL(url, "eye"), Vault: v})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n > 0; time.Sleep(20 * time.Millisecond) {
		if n, err = eye.Peers(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := eye.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // the eye's own
}

// The part of a copy is not served, and the same command finishes it.
func TestCopyCutShort(t *testing.T) {
	t.Parallel()
	from, to := usedStore(t), filepath.Join(t.TempDir(), "to")
	mustRun(t, "init", "--data", to)
	a, err := (&storeFlags{Data: from}).open(t.Context(), noEnv, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := (&storeFlags{Data: to}).open(t.Context(), noEnv, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = transfer.Copy(ctx, transfer.Config{From: a, To: b, Progress: func(p transfer.Progress) {
		if p.Kind == "offers" {
			cancel()
		}
	}})
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Copy answered %v", err)
	}
	status, _, stderr := runSouk(t, noEnv, "serve", "--data", to, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")
	if status != exitFailed || !strings.Contains(stderr, "is a copy that was cut short\nhint: finish it with the 'souk copy' that began it") {
		t.Errorf("serve: exit status %d, %s", status, stderr)
	}
	third := filepath.Join(t.TempDir(), "third")
	mustRun(t, "init", "--data", third)
	if status, _, stderr := runSouk(t, noEnv, "copy", "--from", to, "--to", third); status != exitFailed || !strings.Contains(stderr, "cut short") {
		t.Errorf("copying the part: exit status %d, %s", status, stderr)
	}
	stdout, _ := mustRun(t, "copy", "--from", from, "--to", to)
	if !strings.Contains(stdout, ", from where it had been cut short\n") {
		t.Errorf("stdout\n%s", stdout)
	}
	if diff := cmp.Diff(everythingIn(t, from), everythingIn(t, to)); diff != "" {
		t.Errorf("the copy (-from +to):\n%s", diff)
	}
}

// What breaks rules is copied as it is, and told.
func TestCopyOfABrokenStore(t *testing.T) {
	t.Parallel()
	to := filepath.Join(t.TempDir(), "to")
	mustRun(t, "init", "--data", to)
	from := brokenStore(t)
	status, stdout, _ := runSouk(t, noEnv, "copy", "--from", from, "--to", to)
	if status != exitFailed || !strings.Contains(stdout, "compared: every row is the same on both sides\n6 problems of the source, which are in the copy as well:\nagreement agmt-\ufffd[2Jlost: ") {
		t.Errorf("exit status %d\n%s", status, stdout)
	}
}

func TestPrintCopyOfDifferences(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := transfer.Result{
		Rows: []transfer.Count{{Kind: "offers", Rows: 3}}, Usage: 500, UsageTime: 250 * time.Millisecond, Resumed: true,
		Differences: []transfer.Difference{{Kind: "offers", From: 3, To: 3}, {Kind: "events", From: 2, To: 1}},
		Problems:    []market.Problem{{Path: "event", Reason: "wrong"}},
	}
	from, to := newSide("--from", "a", "", ""), newSide("--to", "postgres://u:hush@h/d", "", "x")
	if err := printCopy(&app{stdout: &out}, from, to, &r); err != nil {
		t.Fatal(err)
	}
	want := "copied " + from.file() + ` to postgres://h/d, from where it had been cut short
  offers: 3
copied 500 usage records in 0.2 s, 2000 a second
not the same: offers: both have 3, and they are not the same
not the same: events: the source has 2, the target 1
the target is no copy: the same command again writes everything once more
event: wrong
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
