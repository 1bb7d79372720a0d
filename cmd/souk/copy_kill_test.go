package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market/storetest"
	"github.com/souk-market/souk/internal/pgtest"
)

// A copy that is killed at random moments, as often as may be, is the same in the end.
func TestCopyKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("some twenty processes")
	}
	const kills, longer = 8, 100 * time.Millisecond // each lives longer than the one before
	dir := t.TempDir()
	from := filepath.Join(dir, "from")
	mustRun(t, "init", "--data", from)
	s, err := (&storeFlags{Data: from}).open(t.Context(), noEnv, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s, 15_000)
	want := storetest.Everything(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]func(t *testing.T) storeFlags{
		"directory": func(t *testing.T) storeFlags { return storeFlags{Data: filepath.Join(dir, "to")} },
		"PostgreSQL": func(t *testing.T) storeFlags {
			_, url := pgtest.Shared(t).Database(t, "")
			return storeFlags{Store: url, storeKey: storeKey{StoreKeyFile: filepath.Join(from, "souk.key")}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			to := target(t)
			where := to.Data + to.Store
			args := []string{"copy", "--from", from, "--to", where}
			initArgs := []string{"init", "--data", to.Data}
			if to.Store != "" {
				args = append(args, "--to-key-file", to.StoreKeyFile)
				initArgs = []string{"init", "--store", to.Store, "--store-key-file", to.StoreKeyFile}
			}
			mustRun(t, initArgs...)
			random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
			left := 0                                                        // parts of a copy
			for n := int64(0); n < kills || left == 0 && n < 10*kills; n++ { // on a slow machine it takes a while until one has begun
				cmd := exec.Command("souk", args...)
				cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(n*int64(longer) + random.Int64N(int64(longer))))
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait()
				time.Sleep(50 * time.Millisecond) // until the database knows
				s, err := to.open(t.Context(), noEnv, false, nil)
				if err != nil {
					t.Fatal(err)
				}
				if refuseUnfinished(t.Context(), s, "") != nil {
					left++
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			var status int
			var stdout, stderr string
			for range 50 { // the sessions of a process that was killed take a moment to go
				if status, stdout, stderr = runSouk(t, noEnv, args...); !strings.Contains(stderr, "is open elsewhere") {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			if status != exitFailed || !strings.Contains(stdout, "compared: every row is the same on both sides\n") { // Fill makes no sound marketplace
				t.Fatalf("exit status %d\n%.2000s%s", status, stdout, stderr)
			}
			if t.Logf("%d kills left a part", left); left == 0 {
				t.Error("no kill left a part of a copy")
			}
			s, err := to.open(t.Context(), noEnv, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if diff := cmp.Diff(want, storetest.Everything(t, s)); diff != "" {
				t.Errorf("the copy (-want +got):\n%.3000s", diff)
			}
		})
	}
}
