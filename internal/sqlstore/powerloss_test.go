package sqlstore

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/souk-market/souk/internal/market"
	sqlite3 "modernc.org/sqlite/lib"
)

// Power loss. A disk remembers everything that SQLite asks of it, in order. Afterwards the power can be cut at any point of that: what was synced by then is
// there; of what was not, nothing, all, the beginning, or any sectors at all are, and a sector may hold garbage. Opened again, the store has to have whatever was
// acknowledged by then.
//
// A sync may also fail. Linux then forgets what was not synced, and says of the next one that all is well (https://www.usenix.org/conference/atc20, Rebello
// et al., "Can Applications Recover from fsync Failures?"): so whatever has not come to the disk by then never will, unless it is written again.
//
// A file that was made, or deleted, is so for sure once the directory was synced, which SQLite does with the first sync of a new log. Before, the operating
// system may have got any of the way, in order.

// cuts is how often the power is lost in a test. The long form:
//
//	go test -count=1 ./internal/sqlstore -run TestPowerLoss -cuts 3000
var cuts = flag.Int("cuts", 60/thin, "how often the power is lost in a test")

// cutsEach is how often it is lost in one and the same recording.
const cutsEach = 30

// sector is how much a disk writes at a time, in bytes. SQLite expects no more to be spoilt than what is written
// (https://sqlite.org/psow.html), which it writes in pages.
const sector = 512

// fsFailedSync is what a sync that failed is in the log.
const fsFailedSync fsKind = "failed sync"

// disk is a recording of calls.
type disk struct {
	mu    sync.Mutex
	dir   string
	log   []fsCall
	first map[string][]byte // what there was before
	fails func() bool       // whether the next sync is to fail
}

func (d *disk) intercept(c *fsCall, do func() int32) int32 {
	switch c.kind {
	case fsOpen, fsWrite, fsTruncate, fsSync, fsDelete:
	default:
		return do()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	call := *c
	call.data = slices.Clone(c.data)
	switch {
	case c.kind == fsOpen:
		_, err := os.Stat(filepath.Join(d.dir, c.file))
		if call.create = c.create && errors.Is(err, fs.ErrNotExist); !call.create {
			return do()
		}
	case c.kind == fsSync: // it costs time, and the log has it
		rc := int32(sqlite3.SQLITE_OK)
		if d.fails() {
			call.kind, rc = fsFailedSync, sqlite3.SQLITE_IOERR_FSYNC
		}
		d.log = append(d.log, call)
		return rc
	}
	rc := do()
	if rc == sqlite3.SQLITE_OK {
		d.log = append(d.log, call)
	}
	return rc
}

// now is how much has happened.
func (d *disk) now() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.log)
}

// inode is a file, under whatever name.
type inode struct {
	durable []byte
	pending []fsCall // since the last sync
	created bool     // and its directory not synced since
}

// link is a change of the directory that is not durable: a name has that file now, or none.
type link struct {
	name string
	to   *inode
}

// failures is how many syncs failed.
func (d *disk) failures() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.log {
		if c.kind == fsFailedSync {
			n++
		}
	}
	return n
}

// cut is what the first n calls leave on the disk when the power goes.
func (d *disk) cut(n int, dice *rand.Rand) map[string][]byte {
	names, durable := map[string]*inode{}, map[string]*inode{}
	var links []link
	syncDir := func() {
		for _, l := range links {
			durable[l.name] = l.to
		}
		links = nil
	}
	for name, b := range d.first {
		names[name] = &inode{durable: slices.Clone(b)}
	}
	maps.Copy(durable, names)
	for _, c := range d.log[:n] {
		switch f := names[c.file]; c.kind {
		case fsOpen:
			names[c.file] = &inode{created: true}
			links = append(links, link{c.file, names[c.file]})
		case fsDelete:
			delete(names, c.file)
			links = append(links, link{c.file, nil})
			if c.synced {
				syncDir()
			}
		case fsSync:
			for _, p := range f.pending {
				f.durable = p.apply(f.durable)
			}
			if f.pending = nil; f.created {
				f.created = false
				syncDir()
			}
		case fsFailedSync:
			f.durable, f.pending = f.lose(dice), nil
		default:
			f.pending = append(f.pending, c)
		}
	}
	links = links[:dice.IntN(len(links)+1)]
	syncDir()
	files := map[string][]byte{}
	for name, f := range durable {
		if f != nil {
			files[name] = f.lose(dice)
		}
	}
	return files
}

// apply makes a change of a file, in place where that will do.
func (c *fsCall) apply(b []byte) []byte {
	if c.kind == fsTruncate {
		return resized(b, int(c.offset))
	}
	b = resized(b, max(len(b), int(c.offset)+len(c.data)))
	copy(b[c.offset:], c.data)
	return b
}

func resized(b []byte, n int) []byte {
	if n <= len(b) {
		return b[:n]
	}
	return append(b, make([]byte, n-len(b))...)
}

// lose is what is left of a file.
func (f *inode) lose(dice *rand.Rand) []byte {
	b, pending := f.durable, f.pending
	switch dice.IntN(5) {
	case 0: // nothing of what was not synced
		return b
	case 1: // all
	case 2: // the beginning, and then something of the next
		n := dice.IntN(len(pending) + 1)
		pending = slices.Clone(pending[:n])
		if n > 0 && pending[n-1].kind == fsWrite {
			last := &pending[n-1]
			last.data = last.data[:dice.IntN(len(last.data)+1)]
		}
	default: // any sectors
		chance, garbage := dice.Float64(), dice.Float64()/4
		pending = nil
		for _, c := range f.pending {
			if c.kind == fsTruncate {
				if dice.Float64() < chance {
					pending = append(pending, c)
				}
				continue
			}
			for at, part := range sectors(c.offset, c.data) {
				if dice.Float64() < garbage {
					part = garbageOf(len(part), dice)
				} else if dice.Float64() >= chance {
					continue
				}
				pending = append(pending, fsCall{kind: fsWrite, offset: at, data: part})
			}
		}
	}
	for _, c := range pending {
		b = c.apply(b)
	}
	return b
}

// sectors is a write in the pieces that it has on the disk.
func sectors(offset int64, data []byte) func(yield func(int64, []byte) bool) {
	return func(yield func(int64, []byte) bool) {
		for len(data) > 0 {
			n := min(len(data), int(sector-offset%sector))
			if !yield(offset, data[:n]) {
				return
			}
			offset, data = offset+int64(n), data[n:]
		}
	}
}

func garbageOf(n int, dice *rand.Rand) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(dice.Uint32())
	}
	return b
}

// timed is a step, and when it was.
type timed struct {
	step
	begun, ended int // how much had happened
}

// record has a store at work on a disk: it is opened and closed several times, with several writers, and checkpoints that come ever less often.
// synchronous takes the place of the store's own setting, unless it is "".
func record(t *testing.T, synchronous string, fails func() bool) (*disk, []timed) {
	t.Helper()
	b := emptyStore(t)
	path := layOut(t, map[string][]byte{"": b})
	d := &disk{dir: filepath.Dir(path), first: map[string][]byte{"souk.db": b}, fails: fails}
	fs := newFaultFS(t, d.intercept)
	steps := make([]timed, 60)
	for from := 0; from < len(steps); from += 20 {
		var s *Store
		for s == nil {
			before := d.failures()
			var err error
			if s, err = Open(context.Background(), Config{Vault: testVault(), Path: path, vfs: fs.name}); err != nil && d.failures() == before {
				t.Fatal(err)
			}
		}
		tune(s, 5+from)
		if synchronous != "" {
			if err := s.writer.conn.run("PRAGMA synchronous = " + synchronous); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for n := from + w; n < from+20; n += 4 {
					steps[n].number, steps[n].begun = n, d.now()
					steps[n].make(s)
					steps[n].ended = d.now()
				}
			})
		}
		wg.Wait()
		before := d.failures()
		if err := s.Close(); err != nil && d.failures() == before {
			t.Fatal(err)
		}
	}
	return d, steps
}

// after says what is wrong with what the power left.
func after(t *testing.T, files map[string][]byte, n int, steps []timed) (findings []string) {
	suffixed := map[string][]byte{}
	for name, b := range files {
		suffixed[name[len("souk.db"):]] = b
	}
	s, err := Open(context.Background(), Config{Vault: testVault(), Path: layOut(t, suffixed)})
	if err != nil {
		return []string{"it does not open: " + err.Error()}
	}
	defer s.Close()
	there, err := state(s, len(steps))
	if err != nil {
		return []string{"it cannot be read: " + err.Error()}
	}
	for _, at := range steps {
		at.done = at.ended <= n // or its answer came after the power went
		if text := at.judge(there); text != "" {
			findings = append(findings, text)
		}
		if at.begun > n && there[at.part(at.parts()[0])] {
			findings = append(findings, fmt.Sprintf("step %d is there before it began", at.number))
		}
	}
	if text, err := integrity(s); err != nil || text != "ok" {
		findings = append(findings, fmt.Sprintf("integrity_check: %s %v", text, err))
	}
	if err := s.Update(context.Background(), func(tx market.Tx) error { return tx.PutSetting("it", "goes on") }); err != nil {
		findings = append(findings, "it does not go on: "+err.Error())
	}
	return findings
}

// losePower cuts the power again and again, and answers what was found: what, and how often it was lost.
func losePower(t *testing.T, cuts int, synchronous string, failing float64) (findings []string) {
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 0))
	for done := 0; done < cuts; done += cutsEach {
		d, steps := record(t, synchronous, func() bool { return dice.Float64() < failing })
		for range min(cutsEach, cuts-done) {
			n := dice.IntN(len(d.log) + 1)
			files := d.cut(n, dice)
			t.Run("", func(t *testing.T) {
				for _, text := range after(t, files, n, steps) {
					findings = append(findings, fmt.Sprintf("power lost after call %d of %d: %s", n, len(d.log), text))
				}
			})
		}
	}
	t.Logf("%d cuts, seed %d: %d findings", cuts, seed, len(findings))
	return findings
}

func TestPowerLoss(t *testing.T) {
	t.Parallel()
	for _, text := range losePower(t, *cuts, "", 0) {
		t.Error(text)
	}
}

func TestPowerLossAfterSyncsThatFailed(t *testing.T) {
	t.Parallel()
	for _, text := range losePower(t, *cuts, "", 0.1) {
		t.Error(text)
	}
}

// A commit cannot be synced, nor can the log when the store is closed; then the store is opened again, and does well. What it is given now must not hang
// on what the disk never got.
func TestPowerLossAfterAnOpeningOnAFailedSync(t *testing.T) {
	t.Parallel()
	b, failing := emptyStore(t), false
	path := layOut(t, map[string][]byte{"": b})
	d := &disk{dir: filepath.Dir(path), first: map[string][]byte{"souk.db": b}, fails: func() bool { return failing }}
	fs := newFaultFS(t, d.intercept)
	steps := make([]timed, 3)
	for n := 0; n < len(steps); {
		s, err := Open(context.Background(), Config{Vault: testVault(), Path: path, vfs: fs.name})
		if err != nil {
			t.Fatal(err)
		}
		for more := true; more; {
			failing = n == 1
			steps[n].number, steps[n].begun = n, d.now()
			steps[n].make(s)
			steps[n].ended = d.now()
			n++
			more = n == 1
		}
		if n == len(steps) {
			defer s.Close() // the power goes before
		} else {
			_ = s.Close() // it is not told of the sync: SQLite takes the log for good enough
		}
		failing = false
	}
	if steps[2].err != nil || market.CodeOf(steps[1].err) != market.OutcomeUnsure {
		t.Fatalf("the answers were %v and %v", steps[1].err, steps[2].err)
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for range 25 {
		for _, text := range after(t, d.cut(steps[2].ended, dice), steps[2].ended, steps) {
			t.Error(text)
		}
	}
}

// With synchronous=NORMAL a commit is not synced, and survives only the process. That is the guard of the tests above: it has to see that.
func TestPowerLossIsSeenWithoutSync(t *testing.T) {
	t.Parallel()
	lost := 0
	for _, text := range losePower(t, min(*cuts, cutsEach), "NORMAL", 0) {
		if strings.HasSuffix(text, "was acknowledged, and is lost") {
			lost++
		}
	}
	if lost == 0 {
		t.Error("nothing was lost, though nothing was synced")
	}
}
