package sqlstore

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// The files of a running store, as a power cut would leave them, hold everything that was answered, and open.
//
// The file itself does not change as long as the log is not written back, which is off here, and the log only ever grows until then. So
// copying one after the other gives a state that the disk really had. (Opening them here drops SQLite's locks in this process; nobody
// else is there to mind.)
func TestWhatWasAnsweredIsInTheFilesOfAStoreThatCrashed(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "souk.db"))
	path := pathOf(t, s)
	if err := s.writer.conn.run("PRAGMA wal_autocheckpoint = 0"); err != nil {
		t.Fatal(err)
	}
	const writers = 8
	var answered [writers]atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := int64(1); i <= 150 && ctx.Err() == nil; i++ {
				batch := []market.UsageRecord{metered(fmt.Sprintf("%d/%d a", w, i)), metered(fmt.Sprintf("%d/%d b", w, i)), metered(fmt.Sprintf("%d/%d a", w, i-1))}
				if err := s.AppendUsage(context.Background(), batch, make([]market.Appended, 3)); err != nil {
					t.Errorf("AppendUsage: %v", err)
				}
				err := s.Update(context.Background(), func(tx market.Tx) error {
					if err := tx.PutSetting(fmt.Sprintf("%d/%d", w, i), "v"); err != nil {
						return err
					}
					return tx.PutSetting(fmt.Sprintf("%d/last", w), fmt.Sprint(i))
				})
				if err != nil {
					t.Errorf("Update: %v", err)
				}
				answered[w].Store(i)
			}
		})
	}
	for crash := range 5 {
		for answered[0].Load() < int64(crash*20+5) { // somewhere on the way
			if ctx.Err() != nil || t.Failed() {
				break
			}
			time.Sleep(100 * time.Microsecond)
		}
		var before [writers]int64
		for w := range writers {
			before[w] = answered[w].Load()
		}
		copied := filepath.Join(t.TempDir(), "souk.db")
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(copied+suffix, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		after, err := Open(t.Context(), Config{Path: copied})
		if err != nil {
			t.Fatalf("crash %d: %v", crash, err)
		}
		records := map[string]int{}
		for name := range strings.SplitSeq(meteredNames(t, after), ",") {
			records[name]++
		}
		for w := range writers {
			var last int64
			fmt.Sscan(setting(t, after, fmt.Sprintf("%d/last", w)), &last)
			if last < before[w] {
				t.Errorf("crash %d: writer %d had an answer for %d, %d is there", crash, w, before[w], last)
			}
			for i := int64(1); i <= last; i++ {
				if v := setting(t, after, fmt.Sprintf("%d/%d", w, i)); v != "v" {
					t.Errorf("crash %d: writer %d got to %d, and %d is %s", crash, w, last, i, v)
				}
			}
			if v := setting(t, after, fmt.Sprintf("%d/%d", w, last+1)); v != "absent" {
				t.Errorf("crash %d: half an Update of writer %d is there", crash, w)
			}
			for i := int64(1); i <= last+1; i++ {
				a, b := records[fmt.Sprintf("%d/%d a", w, i)], records[fmt.Sprintf("%d/%d b", w, i)]
				if a != b || a > 1 || a == 0 && i <= last {
					t.Errorf("crash %d: writer %d got to %d, and of the records of %d there are %d and %d", crash, w, last, i, a, b)
				}
			}
		}
		put(t, after, "s", "it goes on")
		if err := after.Close(); err != nil {
			t.Error(err)
		}
	}
	stop()
	wg.Wait()
}

func TestAnotherProcessHasTheStoreAndIsKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "souk.db")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), self, "-test.run=^TestProcessThatWrites$", path)
	answers, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	last := 0
	for lines := bufio.NewScanner(answers); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "answered %d", &last); n == 0 {
			t.Errorf("the other process says: %s", lines.Text())
			continue
		}
		switch last {
		case 1:
			if _, err := Open(t.Context(), Config{Path: path}); !errors.Is(err, ErrLocked) {
				t.Errorf("Open beside another process: %v", err)
			}
		case 50:
			if err := other.Process.Kill(); err != nil { // what it has still said is read all the same
				t.Error(err)
			}
		}
	}
	if err := other.Wait(); err == nil || last < 50 {
		t.Fatalf("the other process ended with %v, after %d", err, last)
	}
	s, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var sent []string
	for i := 1; i <= last; i++ {
		if v := setting(t, s, fmt.Sprint(i)); v != "v" {
			t.Errorf("%d of %d answered is %s", i, last, v)
		}
		sent = append(sent, fmt.Sprint("usage ", i))
	}
	if names := "," + meteredNames(t, s) + ","; strings.Count(names, ",") > last+2 { // one may be there whose answer was not read
		t.Errorf("%d were answered, and there are %s", last, names)
	}
	if outcomes := appendNamed(t, s, sent...); strings.Contains(outcomes, "new") {
		t.Errorf("what was answered is new: %s", outcomes)
	}
}

// TestProcessThatWrites is the other process: it opens the file named on its command line and writes to it until it is killed.
func TestProcessThatWrites(t *testing.T) {
	if flag.NArg() == 0 {
		t.Skip("runs in a process of its own only")
	}
	s := open(t, flag.Arg(0))
	for i := 1; ; i++ {
		put(t, s, fmt.Sprint(i), "v")
		appendNamed(t, s, fmt.Sprint("usage ", i), fmt.Sprint("usage ", i))
		fmt.Println("answered", i)
	}
}
