package sqlstore

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/souk-market/souk/internal/market"
	sqlite3 "modernc.org/sqlite/lib"
)

// ioError is what SQLite's own file system answers when a call of that kind fails (https://sqlite.org/rescode.html).
var ioError = map[fsKind]int32{
	fsOpen: sqlite3.SQLITE_CANTOPEN, fsRead: sqlite3.SQLITE_IOERR_READ, fsWrite: sqlite3.SQLITE_IOERR_WRITE, fsTruncate: sqlite3.SQLITE_IOERR_TRUNCATE,
	fsSync: sqlite3.SQLITE_IOERR_FSYNC, fsSize: sqlite3.SQLITE_IOERR_FSTAT, fsLock: sqlite3.SQLITE_IOERR_LOCK, fsShmMap: sqlite3.SQLITE_IOERR_SHMMAP,
	fsShmLock: sqlite3.SQLITE_IOERR_SHMLOCK, fsDelete: sqlite3.SQLITE_IOERR_DELETE, fsAccess: sqlite3.SQLITE_IOERR_ACCESS,
}

// fault is a way in which calls fail.
type fault struct {
	name    string
	of      func(fsKind) bool // which calls can
	lasting bool              // all of them fail, from the first one on
	fail    func(c *fsCall, do func() int32) int32
}

func faults() []fault {
	only := func(k fsKind) func(fsKind) bool { return func(kind fsKind) bool { return kind == k } }
	any := func(fsKind) bool { return true }
	refuse := func(c *fsCall, do func() int32) int32 { return ioError[c.kind] }
	full := func(*fsCall, func() int32) int32 { return sqlite3.SQLITE_FULL }
	short := func(rc int32) func(c *fsCall, do func() int32) int32 {
		return func(c *fsCall, do func() int32) int32 {
			c.data = c.data[:len(c.data)*2/3]
			return cmp.Or(do(), rc)
		}
	}
	return []fault{
		{"I/O error", any, false, refuse},
		{"disk full", only(fsWrite), false, full},
		{"disk full in the middle of a write", only(fsWrite), false, short(sqlite3.SQLITE_FULL)},
		{"I/O error in the middle of a write", only(fsWrite), false, short(sqlite3.SQLITE_IOERR_WRITE)},
		{"disk full from then on", only(fsWrite), true, full},
		{"no sync from then on", only(fsSync), true, refuse},
		{"I/O errors from then on", func(k fsKind) bool { return k != fsLock && k != fsShmLock }, true, refuse},
		// The call is done, and an error says that it was not.
		{"a false error", func(k fsKind) bool { return k == fsWrite || k == fsSync || k == fsTruncate || k == fsDelete }, false, func(c *fsCall, do func() int32) int32 {
			do()
			return ioError[c.kind]
		}},
	}
}

// injector makes the nth call of a fault's kinds fail.
type injector struct {
	fault
	nth int

	mu    sync.Mutex
	calls int
	fired string // the first call that failed
	over  bool   // nothing fails any more
}

func (i *injector) intercept(c *fsCall, do func() int32) int32 {
	switch {
	case i.fails(c):
		return i.fail(c, do)
	case c.kind == fsSync:
		return sqlite3.SQLITE_OK // nobody pulls the plug here
	}
	return do()
}

func (i *injector) fails(c *fsCall) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over || !i.of(c.kind) {
		return false
	}
	i.calls++
	if i.calls != i.nth && !(i.lasting && i.calls > i.nth) {
		return false
	}
	if i.fired == "" {
		i.fired = fmt.Sprintf("%s of %s at %d", c.kind, c.file, c.offset)
	}
	return true
}

// pass ends the fault if it has come by now, and reports whether it has.
func (i *injector) pass() (hit bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.over = i.fired != ""
	return i.over
}

// end ends the fault, and answers what it hit.
func (i *injector) end() (fired string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.over = true
	return i.fired
}

// sweepSteps is how many steps there are; a checkpoint comes after every few of them.
const sweepSteps = 10

// faultRun is what came of one call that failed.
type faultRun struct {
	fired    string // "" if there were not so many calls
	opened   bool
	unsure   bool // an answer was
	findings []string
}

// runWithFault has one fault in the life of a store, from its opening to its closing, and judges what is there afterwards: through the same store, and
// after opening it again on a sound disk.
// So many writers are at work at a time.
func runWithFault(t *testing.T, files map[string][]byte, i *injector, writers int) (r faultRun) {
	var wg sync.WaitGroup
	find := func(format string, args ...any) { r.findings = append(r.findings, fmt.Sprintf(format, args...)) }
	path, fs := layOut(t, files), newFaultFS(t, i.intercept)
	steps := make([]step, sweepSteps)
	for n := range steps {
		steps[n].number = n
	}
	s, err := Open(context.Background(), Config{Vault: testVault(), Path: path, vfs: fs.name})
	if r.opened = err == nil; r.opened {
		tune(s, 5)
		for n := range steps[:sweepSteps-1] {
			if writers == 1 {
				steps[n].make(s)
				continue
			}
			wg.Go(func() { steps[n].make(s) })
			if n%writers == writers-1 {
				wg.Wait()
			}
		}
		wg.Wait()
		for n := range steps {
			r.unsure = r.unsure || market.CodeOf(steps[n].err) == market.OutcomeUnsure
		}
		hit := i.pass()
		if hit {
			for _, f := range judgeAll(s, steps) {
				find("in the same store: %s", f)
			}
		}
		last := &steps[sweepSteps-1]
		if last.make(s); hit && last.err != nil {
			find("the disk is sound again, and the store is not: %v", last.err)
		}
		if err := s.Close(); hit && err != nil {
			find("close: %v", err)
		}
	}
	r.fired = i.end()
	if s, err = Open(context.Background(), Config{Vault: testVault(), Path: path}); err != nil {
		find("open it again: %v", err)
		return r
	}
	defer s.Close()
	for _, f := range judgeAll(s, steps) {
		find("opened again: %s", f)
	}
	if text, err := integrity(s); err != nil || text != "ok" {
		find("integrity_check: %s %v", text, err)
	}
	return r
}

// every is how thin a sweep is. The long form:
//
//	go test -count=1 ./internal/sqlstore -run TestEveryFileSystemCallFails -every 1
var every = flag.Int("every", 8*thin, "of the file system calls of a sweep, have each `n`th fail")

// sweep has calls fail in turn, until there are no more calls.
func (f fault) sweep(t *testing.T, files map[string][]byte, writers int) (findings []string) {
	runs, notOpened, unsure := 0, 0, 0
	var kinds []string
	each := *every
	if f.of(fsSync) && !f.of(fsWrite) { // there are few syncs
		each = 1
	}
	for nth := 1 + rand.IntN(each); ; nth += each {
		i := &injector{fault: f, nth: nth}
		var r faultRun
		t.Run(fmt.Sprint(nth), func(t *testing.T) { r = runWithFault(t, files, i, writers) })
		if r.fired == "" {
			break
		}
		runs++
		if !r.opened {
			notOpened++
		}
		if r.unsure {
			unsure++
		}
		if kind, _, _ := strings.Cut(r.fired, " of "); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		for _, text := range r.findings {
			findings = append(findings, fmt.Sprintf("call %d, %s: %s", nth, r.fired, text))
		}
	}
	t.Logf("%d calls failed (%s); %d times the store did not open, %d times an answer was unsure", runs, strings.Join(kinds, ", "), notOpened, unsure)
	if runs == 0 || unsure == 0 && runs > 10*thin {
		t.Errorf("no commit was hit: %d runs, %d unsure", runs, unsure)
	}
	return findings
}

// Every call that a store makes of the file system fails once, in each way that it can: what was acknowledged is there, what was refused is not, what
// is unsure is there as a whole or not at all; and the store goes on once the disk does. So it is with one writer, and with groups of several.
func TestEveryFileSystemCallFails(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"": emptyStore(t)}
	for _, f := range faults() {
		for _, writers := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s/%d writers", f.name, writers), func(t *testing.T) {
				t.Parallel()
				for _, text := range f.sweep(t, files, writers) {
					t.Error(text)
				}
			})
		}
	}
}

// A disk that says that it has written, and has not, is what no store survives: the sweep has to see it.
func TestTheFaultSweepSeesALoss(t *testing.T) {
	t.Parallel()
	f := fault{"a write that is lost", func(k fsKind) bool { return k == fsWrite }, false, func(*fsCall, func() int32) int32 { return sqlite3.SQLITE_OK }}
	files, lost := map[string][]byte{"": emptyStore(t)}, 0
	for nth := range 40 {
		lost += len(runWithFault(t, files, &injector{fault: f, nth: nth + 1}, 1).findings)
	}
	t.Logf("%d findings", lost)
	if lost == 0 {
		t.Error("nothing was found of writes that were lost")
	}
}
