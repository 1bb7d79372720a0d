package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"github.com/souk-market/souk/internal/market"
)

// Group commit. Callers queue; one goroutine takes all that wait into one transaction:
//
//	BEGIN IMMEDIATE
//	    SAVEPOINT job, the first caller runs its fn, RELEASE      (or, if fn failed, ROLLBACK TO)
//	    SAVEPOINT job, the second caller runs its fn, RELEASE
//	    …
//	COMMIT                                                        (one sync for them all)
//
// and then lets them all go. The goroutine owns the connection and every statement above; it lends the connection to one caller at
// a time, who runs fn in its own goroutine. So a panic, or a Goexit (testing.T.FailNow), unwinds the stack it belongs to, and the writer
// only hears that this job is not to be kept.
//
// No answer leaves before the COMMIT, not even an fn's error: it may rest on what an earlier job of the group wrote, which is not
// true until it is durable.
//
// Batches of usage records queue with them, and the goroutine adds their rows by itself: without a savepoint, since a batch either goes in
// whole or the engine has failed, and without lending the connection to anybody.

// maxGroup and maxRows bound how long the first of a group waits for the last: by how many jobs there are, and how many usage records
// they bring (which take about 5 µs each).
const (
	maxGroup = 256
	maxRows  = 8192
)

// mode says what a transaction is for.
type mode int

const (
	forReading mode = iota
	forWriting
	forAppending // usage records
	forItself    // between transactions, with the connection to itself
)

// errUndone answers a job whose group was rolled back through another's fault. Its caller runs it again.
var errUndone = errors.New("sqlstore: undone with its group")

// job is one call on its way through the writer.
type job struct {
	ctx    context.Context
	mode   mode
	turn   chan *tx     // unbuffered, writer to caller: the connection is yours. Either the caller takes it, or it has gone
	done   chan bool    // caller to writer: fn has ended; keep what it did, or not
	out    chan error   // writer to caller: nil when the group is durable
	kept   bool         // the writer's note of what came through done
	usage               // of appends, which have neither turn nor done
	itself func() error // of those that have the connection to themselves: is run by the writer
}

// submit queues fn and waits for its outcome.
func (w *writer) submit(ctx context.Context, fn func(market.Tx) error, m mode) error {
	for {
		err := w.try(ctx, fn, m)
		if err != errUndone {
			return err
		}
		// Each round like this has answered at least one other job, the one at fault, with an error of its own.
	}
}

func (w *writer) try(ctx context.Context, fn func(market.Tx) error, m mode) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, mode: m, turn: make(chan *tx), done: make(chan bool, 1), out: make(chan error, 1)}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	}
	var t *tx
	select {
	case t = <-j.turn:
	case err := <-j.out: // the group never began
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	failed := j.run(t, fn)
	select {
	case err := <-j.out:
		if err != nil {
			return err
		}
		return failed
	case <-ctx.Done():
		if failed != nil || m == forReading {
			return ctx.Err()
		}
		return unsure(ctx.Err())
	}
}

// run calls fn. The writer goes on when it has ended, in whatever way.
func (j *job) run(t *tx, fn func(market.Tx) error) (err error) {
	keep := false
	defer func() {
		t.end()
		j.done <- keep
	}()
	err = t.call(fn)
	keep = err == nil
	return err
}

// writer owns the connection that writes.
type writer struct {
	conn     *conn
	appender *appender
	log      *slog.Logger
	queue    chan *job
	quit     chan struct{}
	ended    chan struct{}
	joined   []*job // of the current group; kept for its room
	rows     int    // how many usage records the current group brought
	appends  sync.Pool
	held     *job   // came too early for the group that it was to join, and is next
	later    func() // to be done before anything may change; nil: nothing
}

func newWriter(c *conn, log *slog.Logger) *writer {
	return &writer{
		conn: c, appender: newAppender(c), log: log,
		queue: make(chan *job, maxGroup), quit: make(chan struct{}), ended: make(chan struct{}),
	}
}

// close closes the connection with all that was prepared on it.
func (w *writer) close() error { return errors.Join(w.appender.close(), w.conn.close()) }

// run serves the queue until stop.
func (w *writer) run() {
	defer close(w.ended)
	for {
		j := w.held
		w.held = nil
		if j == nil {
			select {
			case j = <-w.queue:
			case <-w.quit:
				return
			}
		}
		if j.mode == forItself {
			j.out <- j.itself()
			continue
		}
		if j.mode != forReading {
			w.beforeChange()
		}
		w.group(j)
	}
}

// beforeChange does what was put off.
func (w *writer) beforeChange() {
	if w.later != nil {
		w.later()
		w.later = nil
	}
}

// alone has fn run in the writer's goroutine, between transactions. It waits for its end, whatever becomes of ctx once it has queued.
func (w *writer) alone(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, mode: forItself, itself: fn, out: make(chan error, 1)}
	select {
	case w.queue <- j:
		return <-j.out
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends run, and waits for it. Nobody may be waiting in the queue any more, except those who gave up.
func (w *writer) stop() {
	close(w.quit)
	<-w.ended
}

// group runs first and those that wait behind it as one transaction, and answers them all.
func (w *writer) group(first *job) {
	w.joined, w.rows = w.joined[:0], 0
	outcome := w.transact(first)
	for _, j := range w.joined {
		j.out <- outcome.of(j)
	}
	clear(w.joined)
	if outcome.err != nil && outcome.err != errUndone {
		w.log.LogAttrs(context.Background(), slog.LevelError, "store did not commit", slog.Int("updates", len(w.joined)), slog.Any("error", outcome.err))
	}
}

// outcome is what became of a group.
type outcome struct {
	err    error
	unsure bool // err came of COMMIT itself
}

// of is the outcome for one of the group.
func (o outcome) of(j *job) error {
	switch {
	case !o.unsure:
		return o.err
	case j.kept && j.mode != forReading:
		return unsure(o.err)
	}
	// It left nothing behind; that much is certain. But what it read may never have been.
	return fmt.Errorf("sqlstore: commit for others whose changes were read: %w", o.err)
}

func (w *writer) transact(first *job) outcome {
	if err := w.conn.run("BEGIN IMMEDIATE"); err != nil {
		w.joined = append(w.joined, first)
		w.rollback() // should one be open after all, the next group can begin
		return outcome{err: fmt.Errorf("sqlstore: begin: %w", err)}
	}
	wrote := false
	for j := first; j != nil; j = w.next() {
		if err := w.one(j); err != nil {
			w.rollback()
			return outcome{err: err}
		}
		wrote = wrote || j.kept && j.mode != forReading
	}
	if !wrote {
		w.rollback()
		return outcome{}
	}
	if err := w.conn.run("COMMIT"); err != nil {
		// The last pages may be on the disk or not, and after a crash the log may be read as ending in this commit.
		w.rollback()
		return outcome{err: fmt.Errorf("sqlstore: commit: %w", err), unsure: true}
	}
	w.appender.committed()
	return outcome{}
}

// next is the next job that waits; nil if there is none, or the group is full.
//
// When none waits, those who are about to queue are let run first: a commit costs as much for one as for many. That costs nothing where there is
// nobody. On a single CPU it is all: the writer would else commit each job by itself, the sync holding the CPU up, while the others wait to queue.
func (w *writer) next() *job {
	if len(w.joined) >= maxGroup || w.rows >= maxRows {
		return nil
	}
	for range 2 {
		select {
		case j := <-w.queue:
			if j.mode == forItself || w.later != nil && j.mode != forReading {
				w.held = j
				return nil
			}
			return j
		default:
			runtime.Gosched()
		}
	}
	return nil
}

// one gives a job its turn and keeps or undoes what it did. An error means that the transaction as a whole is lost.
func (w *writer) one(j *job) error {
	if j.ctx.Err() != nil {
		return nil // its caller has gone
	}
	if j.mode == forAppending {
		return w.append(j)
	}
	series := len(w.appender.met.added)
	if j.mode == forWriting {
		if err := w.conn.run("SAVEPOINT job"); err != nil {
			w.joined = append(w.joined, j)
			return fmt.Errorf("sqlstore: savepoint: %w", err)
		}
	}
	select {
	case j.turn <- &tx{ctx: j.ctx, conn: w.conn, mode: j.mode, appendUsage: w.appender.appendWithin}:
		w.joined = append(w.joined, j)
		j.kept = <-j.done
	case <-j.ctx.Done():
	}
	if j.mode != forWriting {
		return nil
	}
	if !j.kept {
		// SQLite undoes the whole transaction by itself when a write finds the disk full, or unreadable; then there is no savepoint
		// to go back to. That job has its error. The others have done nothing wrong and run again.
		if err := w.conn.run("ROLLBACK TO job"); err != nil {
			w.again(err)
			w.dismiss(j, nil)
			return errUndone
		}
		w.appender.met.undo(series)
	}
	if err := w.conn.run("RELEASE job"); err != nil {
		return fmt.Errorf("sqlstore: release: %w", err)
	}
	return nil
}

// dismiss lets the last job of the group go. An fn's own error its caller knows.
func (w *writer) dismiss(j *job, err error) {
	if n := len(w.joined); n > 0 && w.joined[n-1] == j {
		w.joined = w.joined[:n-1]
		j.out <- err
	}
}

func (w *writer) again(cause error) {
	w.log.LogAttrs(context.Background(), slog.LevelWarn, "store runs a group of updates again", slog.Any("error", cause))
}

// rollback leaves no transaction open. It fails when none is, which is as good.
func (w *writer) rollback() {
	w.conn.run("ROLLBACK")
	w.appender.undone()
}

// unsure is the answer when the disk was handed the change and has not said what became of it.
func unsure(cause error) error {
	return fmt.Errorf("sqlstore: update: %w: %w", &market.Error{
		Code: market.OutcomeUnsure, Message: "the store cannot tell whether the change took effect", Reason: cause.Error(),
	}, cause)
}
