package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	batchConnections = 64
	batchRecords     = 25 // a request's most
)

// What checkBatch counts begins with letters that are rare in an answer: with a quotation mark in front, to look for them took nine times as long,
// which was two fifths of what the client did.
var (
	success     = `Success"`
	unprocessed = `UnprocessedRecords":[]`
)

// meter sends the rows of a stream to a Souk, as requests of BatchMeterUsage.
type meter struct {
	stream stream
	souk   *soukServer
	sent   int       // rows so far
	clock  time.Time // of the market, when it was last set
	arena  []byte    // of the requests, kept for its room
	insist bool      // as load has it
}

// addCustomers makes a store with the customers who report, in b.customers. Each meter has a copy of it, and so a process that has done nothing yet:
// a world of that size leaves a heap of some hundred megabytes behind.
func (b *bench) addCustomers(ctx context.Context) error {
	s, err := startSouk(ctx)
	if err != nil {
		return err
	}
	b.customers = s.dir
	err = s.addCustomers(ctx)
	return errors.Join(err, s.process.Stop()) // stopped, it has everything in its files
}

// startMeter starts a Souk whose clock can be moved, with customers who report.
func (b *bench) startMeter(ctx context.Context) (*meter, error) {
	dir, err := os.MkdirTemp("", "souk-load-")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, os.DirFS(b.customers)); err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Join(dir, "souk.key"), 0o600); err != nil { // CopyFS gives everybody the right to read
		return nil, err
	}
	souk, err := startSoukOn(ctx, dir, "--simulation")
	if err != nil {
		return nil, err
	}
	return &meter{stream: newStream(time.Now()), souk: souk}, nil
}

// sample measures the next count rows, a multiple of bareBatch. Before, it brings the market's clock to the end of their hours, and makes and signs all
// requests, so that the client has nothing to do in the measurement but to send them and to look at the answers. perSecond is of records.
func (m *meter) sample(ctx context.Context, count int) (sample, error) {
	if err := m.moveTo(ctx, m.sent+count); err != nil {
		return sample{}, err
	}
	now := time.Now()
	ends := make([]int, 0, count/batchRecords)
	var body []byte
	m.arena = m.arena[:0]
	for n := m.sent; n < m.sent+count; n += batchRecords {
		body = m.stream.appendBody(body[:0], n, batchRecords)
		m.arena = appendRequest(m.arena, batchMeterUsage, m.souk.host, body, n, now)
		ends = append(ends, len(m.arena))
	}
	m.sent += count
	var next atomic.Int64
	s, err := measure(ctx, load{server: &m.souk.server, connections: batchConnections, check: checkBatch, insist: m.insist, next: func(int, int) []byte {
		i := int(next.Add(1)) - 1
		switch {
		case i >= len(ends):
			return nil
		case i == 0:
			return m.arena[:ends[0]]
		}
		return m.arena[ends[i-1]:ends[i]]
	}})
	s.perSecond *= batchRecords
	return s, err
}

// moveTo brings the market's clock to the end of the hours of the first n rows.
func (m *meter) moveTo(ctx context.Context, n int) error {
	end := m.stream.end(n)
	if !end.After(m.clock) {
		return nil
	}
	if err := m.souk.process.Call(ctx, http.MethodPost, "/api/v1/clock/set", map[string]string{"to": end.Format(time.RFC3339)}, nil); err != nil {
		return err
	}
	m.clock = end
	return nil
}

// checkBatch: every record was taken, the repeats as what they are.
func checkBatch(answer []byte) error {
	if countOf(answer, success) != batchRecords || countOf(answer, unprocessed) != 1 {
		return fmt.Errorf("not all records are a success: %s", answer)
	}
	return nil
}

// checkLedger: each row is there once.
func (m *meter) checkLedger(ctx context.Context) error {
	n, err := m.ledger(ctx)
	if err == nil && n != distinct(m.sent) {
		err = fmt.Errorf("%d rows were sent, %d of them no repeats, and the ledger has %d", m.sent, distinct(m.sent), n)
	}
	return err
}

// ledger is how many records there are.
func (m *meter) ledger(ctx context.Context) (n int, err error) {
	var out struct {
		Sums []struct {
			Records int `json:"records"`
		} `json:"sums"`
	}
	if err := m.souk.process.Call(ctx, http.MethodGet, "/api/v1/usage/sums", nil, &out); err != nil {
		return 0, err
	}
	for _, s := range out.Sums {
		n += s.Records
	}
	return n, nil
}

// sampleRows is how many rows a sample has: what takes about as long as a sample of requests does.
func (b *bench) sampleRows() int {
	n := int(b.duration.Seconds() * 180_000)
	return max(1, min(n, maxSample)/bareBatch) * bareBatch
}

// batch measures BatchMeterUsage beside the bare loop, twice: with every server on one CPU and the client on the others, and with nothing pinned, so that Souk
// shares all CPUs with its client, and the loop, which is one goroutine, has them for itself.
func (b *bench) batch(ctx context.Context) (out []comparison, err error) {
	if b.pinned {
		c, err := b.batchBeside(ctx, "servers on one CPU, the client on the others")
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	unpinClient()
	c, err := b.batchBeside(ctx, "nothing pinned: Souk shares all CPUs with its client, the loop has them alone")
	if b.pinned && !pinClient() {
		return nil, errors.New("the client could not be pinned again")
	}
	return append(out, c), err
}

func (b *bench) batchBeside(ctx context.Context, name string) (c comparison, err error) {
	m, err := b.startMeter(ctx)
	if err != nil {
		return c, err
	}
	defer m.souk.stop()
	dir, err := os.MkdirTemp("", "souk-load-")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(dir)
	c = comparison{name: name, connections: batchConnections}
	for round := -1; round < b.rounds; round++ {
		first, count := m.sent, b.sampleRows()
		if round < 0 { // warm up, and have every series met
			count = max(count/4, block) / bareBatch * bareBatch
		}
		rate, err := runBareRows(ctx, filepath.Join(dir, "souk.db"), m.stream, first, count)
		if err != nil {
			return c, err
		}
		souk, err := m.sample(ctx, count)
		if err != nil {
			return c, fmt.Errorf("BatchMeterUsage: %w", err)
		}
		if round < 0 {
			continue
		}
		c.bare, c.souk = append(c.bare, sample{perSecond: rate}), append(c.souk, souk)
		b.say("BatchMeterUsage, %s, round %d of %d: bare loop %.0f, Souk %.0f records/s", name, round+1, b.rounds, rate, souk.perSecond)
	}
	return c, m.checkLedger(ctx)
}
