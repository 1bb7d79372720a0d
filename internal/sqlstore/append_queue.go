package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/souk-market/souk/internal/market"
)

// usage is what a job that appends carries.
type usage struct {
	batch   []market.UsageRecord
	keys    []int64 // of batch, as seriesCache.keys leaves them
	epoch   int64   // of keys
	results []market.Appended

	// mu is held by the writer while it reads batch and writes results. So a caller who wants to leave waits for that, which is a matter
	// of rows, and not of commits or of anybody's fn.
	mu  sync.Mutex
	ran bool // the writer has been through them
}

// submitUsage queues a batch and waits for its outcome.
func (w *writer) submitUsage(ctx context.Context, batch []market.UsageRecord, results []market.Appended) error {
	for {
		err := w.tryUsage(ctx, batch, results)
		if err != errUndone { // as in submit
			return err
		}
	}
}

func (w *writer) tryUsage(ctx context.Context, batch []market.UsageRecord, results []market.Appended) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j, ok := w.appends.Get().(*job)
	if !ok {
		j = &job{mode: forAppending, out: make(chan error, 1)}
	}
	j.ctx, j.batch, j.results, j.keys = ctx, batch, results, slices.Grow(j.keys[:0], len(batch))[:len(batch)]
	var err error
	if j.epoch, err = w.appender.known.keys(batch, j.keys); err != nil {
		return fmt.Errorf("sqlstore: append usage: %w", err)
	}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.out:
		j.ctx, j.batch, j.results, j.ran, j.kept = nil, nil, nil, false, false
		w.appends.Put(j)
		return err
	case <-ctx.Done(): // this job is not used again: the writer may still have it
		if j.leave() {
			return ctx.Err()
		}
		select {
		case err := <-j.out:
			return err
		default:
			return unsure(ctx.Err())
		}
	}
}

// leave waits until the writer is not, or not any more, at batch and results; it does not begin once ctx is done. It answers whether nothing was
// done with them.
func (j *job) leave() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.ran
}

// append adds a job's records. An error means that the transaction as a whole is lost.
func (w *writer) append(j *job) error {
	j.mu.Lock()
	if j.ctx.Err() != nil { // once more: the caller may have left by now
		j.mu.Unlock()
		return nil
	}
	if j.epoch != w.appender.known.epoch { // a snapshot was restored while it waited; nobody else begins an epoch than who runs this
		clear(j.keys)
	}
	n, err := w.appender.append(j.batch, j.keys, j.results)
	w.rows += len(j.batch)
	j.ran = true
	j.mu.Unlock()

	j.kept = n > 0
	w.joined = append(w.joined, j)
	if err != nil {
		w.again(err)
		w.dismiss(j, fmt.Errorf("sqlstore: append usage: %w", err))
		return errUndone
	}
	return nil
}
