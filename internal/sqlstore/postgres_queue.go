package sqlstore

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/internal/market"
)

// pgAppender takes usage records. Callers queue; each of a few goroutines, with a connection of its own, takes all that wait into one statement.
type pgAppender struct {
	store  *Postgres
	known  seriesCache
	recent recentUsage
	queue  chan *pgJob
	jobs   sync.Pool
	rows   atomic.Int64  // how many are under way, over all goroutines
	landed chan struct{} // has something in it when a statement has come back
	quit   context.Context
	halt   context.CancelFunc
	ended  sync.WaitGroup
	within sync.Pool // of *usageRows, for Updates
}

// pgJob is a caller's batch on its way.
type pgJob struct {
	ctx   context.Context
	batch []market.UsageRecord
	keys  []int64 // of batch, as seriesCache.keys leaves them
	out   []market.Appended
	done  chan error

	// mu is held while batch is read and out is written, which is a matter of rows: a caller who wants to leave never waits for the database.
	mu    sync.Mutex
	taken bool // its rows are under way
	gone  bool // the caller has left
	from  int  // its first row
}

func newPgAppender(p *Postgres) *pgAppender {
	a := &pgAppender{store: p, queue: make(chan *pgJob, maxGroup), landed: make(chan struct{}, 1)}
	a.quit, a.halt = context.WithCancel(context.Background())
	for range appenders {
		a.ended.Go(a.run)
	}
	return a
}

// stop ends the goroutines. Nobody may be waiting any more, except those who gave up.
func (a *pgAppender) stop() {
	a.halt()
	a.ended.Wait()
}

func (a *pgAppender) submit(ctx context.Context, batch []market.UsageRecord, out []market.Appended) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j, ok := a.jobs.Get().(*pgJob)
	if !ok {
		j = &pgJob{done: make(chan error, 1)}
	}
	j.ctx, j.batch, j.out, j.keys = ctx, batch, out, slices.Grow(j.keys[:0], len(batch))[:len(batch)]
	j.taken, j.gone = false, false
	if _, err := a.known.keys(batch, j.keys); err != nil {
		return fmt.Errorf("sqlstore: append usage: %w", err)
	}
	select {
	case a.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.done:
		j.ctx, j.batch, j.out = nil, nil, nil
		a.jobs.Put(j)
		return err
	case <-ctx.Done(): // this job is not used again: it may still be under way
		if j.leave() {
			return unsure(ctx.Err())
		}
		return ctx.Err()
	}
}

// leave answers whether the rows are under way already.
func (j *pgJob) leave() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gone = true
	return j.taken
}

// run takes what waits, until stop.
func (a *pgAppender) run() {
	w := &pgWriter{appender: a, usageRows: usageRows{recent: &a.recent}}
	defer w.disconnect()
	for {
		select {
		case j := <-a.queue:
			w.gather(j)
			a.rows.Add(int64(len(w.rows)))
			err := w.insert()
			a.rows.Add(-int64(len(w.rows)))
			select {
			case a.landed <- struct{}{}:
			default:
			}
			w.answer(err)
		case <-a.quit.Done():
			return
		}
	}
}

// pgWriter is one of the goroutines.
type pgWriter struct {
	appender *pgAppender
	conn     *pgx.Conn // nil while there is none
	used     time.Time // when it last did something
	jobs     []*pgJob
	usageRows
}

// gather takes first and those that wait behind it.
func (w *pgWriter) gather(first *pgJob) {
	w.reset()
	w.jobs = w.jobs[:0]
	for j := first; j != nil; j = w.next() {
		j.mu.Lock()
		if !j.gone && j.ctx.Err() == nil {
			j.taken, j.from = true, len(w.rows)
			w.add(j.batch, j.keys)
			w.jobs = append(w.jobs, j)
		}
		j.mu.Unlock()
	}
}

const (
	// minShare is how small a group may be beside what is under way: a quarter.
	minShare = 4
	// maxLag bounds how long a group waits to be larger.
	maxLag = 5 * time.Millisecond
)

// next is the next job that waits; nil if there is none, or there are enough. Those who are about to queue are let run first: see writer.next.
//
// A statement by itself costs the database as much as some dozens of rows. So while it is busy with many, a group waits for a moment to be worth it, or
// for some of those to land.
func (w *pgWriter) next() *pgJob {
	if len(w.jobs) >= maxGroup || len(w.rows) >= maxRows {
		return nil
	}
	for range 2 {
		select {
		case j := <-w.appender.queue:
			return j
		default:
			runtime.Gosched()
		}
	}
	a := w.appender
	select {
	case <-a.landed: // of before
	default:
	}
	if a.rows.Load() <= int64(minShare*len(w.rows)) {
		return nil
	}
	select {
	case j := <-a.queue:
		return j
	case <-a.landed:
	case <-time.After(maxLag):
	}
	return nil
}

// answer tells all jobs what became of them.
func (w *pgWriter) answer(err error) {
	for _, j := range w.jobs {
		j.mu.Lock()
		if err == nil && !j.gone {
			for i := range j.out {
				j.out[i] = w.rows[j.from+i].out
			}
		}
		j.mu.Unlock()
		j.done <- err
	}
	clear(w.jobs)
}

// insert brings the rows in, and tries again while the database is away: what came in before it went is recognized by its ids.
func (w *pgWriter) insert() error {
	if len(w.jobs) == 0 {
		return nil
	}
	var again retry
	doubtful := false // an attempt may have come in without saying so
	for {
		ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
		err := w.try(ctx, doubtful)
		cancel()
		if err == nil {
			return nil
		}
		f := fateOf(err)
		switch {
		case w.conn == nil || w.conn.IsClosed():
			f = lost
		case noPartition(err): // one was detached behind our back
			w.appender.store.months.forget()
			f = undone
		}
		if f == lost {
			w.disconnect()
			doubtful = true
		}
		if f == final {
			w.appender.store.log.LogAttrs(context.Background(), slog.LevelError, "usage was not kept", slog.Int("records", len(w.rows)), slog.Any("error", err))
			return fmt.Errorf("sqlstore: append usage: %w", err)
		}
		if !again.wait(w.appender.quit, f) {
			return w.appender.store.unavailable(fmt.Errorf("append usage: %w", err))
		}
	}
}

// try brings the rows in once.
func (w *pgWriter) try(ctx context.Context, doubtful bool) (err error) {
	if w.conn == nil {
		if w.conn, err = pgx.ConnectConfig(ctx, w.appender.store.config); err != nil {
			w.conn = nil
			return err
		}
	} else if time.Since(w.used) > pingAfter {
		if err := w.ping(ctx); err != nil {
			return err
		}
	}
	defer func() { w.used = time.Now() }()
	for i := range w.rows {
		r := &w.rows[i]
		r.out = market.Appended{}
		if r.series != (market.Series{}) { // the ids of an attempt that was undone are not theirs
			r.key = 0
		}
	}
	if !w.unknown() {
		w.sort()
		if err := w.ensureMonths(ctx); err != nil {
			return err
		}
		if err := w.usageRows.insert(ctx, w.conn, doubtful); err != nil { // a transaction by itself
			return err
		}
		w.recent.put(&w.usageRows)
		return nil
	}
	for _, hour := range w.hours() {
		if err := w.appender.store.months.ensure(ctx, w.conn, hour); err != nil {
			return err
		}
	}
	if err := pgx.BeginFunc(ctx, w.conn, func(pgx.Tx) error {
		if err := w.intern(ctx, w.conn); err != nil {
			return err
		}
		w.sort()
		return w.usageRows.insert(ctx, w.conn, doubtful)
	}); err != nil {
		return err
	}
	w.appender.known.add(w.met)
	w.recent.put(&w.usageRows)
	return nil
}

// pingAfter is how long a connection may lie idle before it is asked whether it is there: it may have been forgotten on the way, and a statement has
// longer to answer than those who send usage should wait for that.
const pingAfter = time.Second

func (w *pgWriter) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beginTimeout)
	defer cancel()
	return w.conn.Ping(ctx)
}

// ensureMonths makes the partitions that the rows, which are sorted, need.
func (w *pgWriter) ensureMonths(ctx context.Context) error {
	next := int64(-1)
	for _, i := range w.order {
		hour := w.rows[i].hour
		if hour < next {
			continue
		}
		if err := w.appender.store.months.ensure(ctx, w.conn, hour); err != nil {
			return err
		}
		_, next = monthOf(hour)
	}
	return nil
}

// hours has an hour of each month that the rows are in.
func (u *usageRows) hours() (hours []int64) {
	for i := range u.rows {
		from, _ := monthOf(u.rows[i].hour)
		if !slices.Contains(hours, from) {
			hours = append(hours, from)
		}
	}
	return hours
}

func (w *pgWriter) disconnect() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = w.conn.Close(ctx)
	w.conn = nil
}

// appendWithin adds a batch as a part of the Update that is open on c.
func (a *pgAppender) appendWithin(c *conn, batch []market.UsageRecord, out []market.Appended) error {
	u, ok := a.within.Get().(*usageRows)
	if !ok {
		u = new(usageRows)
	}
	defer a.within.Put(u)
	u.reset()
	keys := make([]int64, len(batch))
	if _, err := a.known.keys(batch, keys); err != nil {
		return err
	}
	u.add(batch, keys)
	for _, hour := range u.hours() {
		if err := a.ensureElsewhere(c.ctx, hour); err != nil {
			return err
		}
	}
	err := pgConnOf(c.sql, func(pg *pgx.Conn) error {
		if u.unknown() {
			if err := u.intern(c.ctx, pg); err != nil {
				return err
			}
		}
		u.sort()
		return u.insert(c.ctx, pg, false)
	})
	if err != nil {
		return err
	}
	for i := range out {
		out[i] = u.rows[i].out
	}
	return nil
}

// ensureElsewhere makes a partition on another connection than that of the Update which needs it: an Update that is undone must not take it along.
func (a *pgAppender) ensureElsewhere(ctx context.Context, hour int64) error {
	m := &a.store.months
	if first, _ := monthOf(hour); m.has(first) {
		return nil
	}
	pg, err := pgx.ConnectConfig(ctx, a.store.config)
	if err != nil {
		return err
	}
	defer pg.Close(context.WithoutCancel(ctx))
	return m.ensure(ctx, pg, hour)
}
