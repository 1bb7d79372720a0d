package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// brokenStore is a directory whose store breaks a rule or two.
func brokenStore(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	flags := storeFlags{Data: dir}
	if _, err := flags.makeKey(noEnv); err != nil {
		t.Fatal(err)
	}
	store, err := flags.open(t.Context(), noEnv, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = store.Update(t.Context(), func(tx market.Tx) error {
		return tx.PutAgreement(market.Agreement{
			ID: "agmt-\x1b[2Jlost", ProductCode: "gone", OfferID: "offer-gone", Seller: "111122223333", Buyer: "777788889999", Status: market.Active,
			LicenseARN: "arn:aws:license-manager::294406891311:license:l-1", AcceptedAt: time.Unix(1, 0), StartAt: time.Unix(2, 0), EndAt: time.Unix(1, 0),
			Intent: market.IntentNew, Phase: market.ClosedDown,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The same is found in the files of a stopped Souk and by a running one: one line a finding, and exit status 1.
func TestCheckFindings(t *testing.T) {
	t.Parallel()
	dir := brokenStore(t)
	want := []string{
		"checked 0 accounts, 0 products, 0 customers, 1 agreement, 0 usage records",
		"agreement agmt-\ufffd[2Jlost: account \"777788889999\" does not exist",
		"agreement agmt-\ufffd[2Jlost: product \"gone\" does not exist",
		"agreement agmt-\ufffd[2Jlost: offer \"offer-gone\" does not exist",
		"agreement agmt-\ufffd[2Jlost: its buyer 777788889999 has no CustomerIdentifier",
		"agreement agmt-\ufffd[2Jlost: ends before it starts",
		"agreement agmt-\ufffd[2Jlost: is ACTIVE, and its phase is \"closed-down\"",
	}
	see := func(where string, status int, stdout, stderr string) {
		t.Helper()
		if got := strings.Split(strings.TrimRight(stdout, "\n"), "\n"); status != exitFailed || stderr != "" || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: exit status %d, stderr %q, stdout\n%s", where, status, stderr, stdout)
		}
	}
	var out, problems strings.Builder
	status := run(t.Context(), []string{"check", "--data", dir}, nil, &out, &problems, noEnv)
	see("files", status, out.String(), problems.String())

	n := startTest(t, func(c *nodeConfig) { c.Mode, c.Data, c.Create, c.Sample = "serve", dir, false, false })
	status, stdout, stderr := souk(t, n, "check")
	see("running", status, stdout, stderr)
	if status, stdout, _ := souk(t, n, "check", "--json"); status != exitFailed || strings.Count(stdout, `"reason"`) != len(want)-1 || strings.Contains(stdout, "sound") {
		t.Errorf("--json: exit status %d\n%s", status, stdout)
	}
}

// An interrupted check is no sound one.
func TestCheckInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, problems strings.Builder
	if status := run(ctx, []string{"check", "--data", brokenStore(t)}, nil, &out, &problems, noEnv); status != exitFailed || out.String() != "" || !strings.Contains(problems.String(), "canceled") {
		t.Errorf("exit status %d, %q, %q", status, out.String(), problems.String())
	}
}

// Where there is no terminal, nothing is written about the time that things take.
func TestWorkingWithoutTerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	done := (&app{stderr: &out, getenv: noEnv}).working("checking")
	done()
	if out.String() != "" {
		t.Errorf("%q", out.String())
	}
}

// Exit status 2 is for what was not understood, 1 for what did not succeed.
func TestExitStatusOfQueries(t *testing.T) {
	t.Parallel()
	n := startTest(t, nil)
	for _, c := range []struct {
		want int
		args string
	}{
		{0, "requests"}, {0, "product"}, {0, "agreement"}, {0, "token-key"}, {0, "check"}, {0, "requests list --limit 3"},
		{exitFailed, "requests show none"}, {exitFailed, "product show none"}, {exitFailed, "product set none --token-life 1s"},
		{exitFailed, "token-key retire none"}, {exitFailed, "session --role none"}, {exitFailed, "check --data none"},
		{exitUsage, "requests none"}, {exitUsage, "requests --limit=-1"}, {exitUsage, "requests --limit many"}, {exitUsage, "product show"},
		{exitUsage, "product set"}, {exitUsage, "product set none"}, {exitUsage, "product set none --token-life 4"}, {exitUsage, "product set none --token-reuse 4"},
		{exitUsage, "agreement list --status none"}, {exitUsage, "agreement list --limit=-1"}, {exitUsage, "session"}, {exitUsage, "session --role x --shell csh"},
		{exitUsage, "session --role x --duration soon"}, {exitUsage, "token-key retire"}, {exitUsage, "check --what"},
	} {
		status, stdout, stderr := souk(t, n, strings.Fields(c.args)...)
		if status != c.want || (status != 0) != strings.HasPrefix(stderr, "souk: ") || status != 0 && stdout != "" {
			t.Errorf("%s: exit status %d, want %d; stdout %q, stderr %q", c.args, status, c.want, stdout, stderr)
		}
	}
}
