package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// stage is how BatchMeterUsage does with so many rows in the store. What varies is the median of the samples within half a million rows.
type stage struct {
	rows       int
	perSecond  float64       // records
	cpu        time.Duration // of the server, per record
	resident   int64         // bytes
	stored     int64         // bytes of the store's files
	othersBusy float64
}

// million is the first stage.
const million = 1_000_000

// growth fills a store, and looks at it at a million rows, half-way and at the end.
func (b *bench) growth(ctx context.Context, rows int) ([]stage, error) {
	m, err := b.startMeter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.souk.stop()
	const count = 125 * bareBatch // 200,000
	var points []stage
	for m.sent < rows {
		s, err := m.sample(ctx, count)
		if err != nil {
			return nil, fmt.Errorf("BatchMeterUsage at %d rows: %w", m.sent, err)
		}
		p := stage{
			rows: m.sent, perSecond: s.perSecond, cpu: s.cpu / batchRecords, resident: resident(m.souk.pid), stored: sizeOf(m.souk.dir), othersBusy: s.othersBusy,
		}
		points = append(points, p)
		b.say("BatchMeterUsage, %d rows: %.0f records/s, %.1f MiB resident", p.rows, p.perSecond, mebi(p.resident))
	}
	return []stage{around(points, million), around(points, rows/2), around(points, m.sent)}, m.checkLedger(ctx)
}

// around is the stage at so many rows.
func around(points []stage, rows int) stage {
	at := slices.IndexFunc(points, func(p stage) bool { return p.rows >= rows })
	out := points[at]
	near := slices.DeleteFunc(slices.Clone(points), func(p stage) bool { return p.rows <= out.rows-million/2 || p.rows > out.rows+million/2 })
	of := func(value func(*stage) float64) float64 {
		v := make([]float64, len(near))
		for i := range near {
			v[i] = value(&near[i])
		}
		return median(v)
	}
	out.perSecond = of(func(p *stage) float64 { return p.perSecond })
	out.cpu = time.Duration(of(func(p *stage) float64 { return float64(p.cpu) }))
	out.othersBusy = of(func(p *stage) float64 { return p.othersBusy })
	return out
}

// sizeOf is how many bytes the files of a directory have.
func sizeOf(dir string) (n int64) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil {
			n += info.Size()
		}
	}
	return n
}

func mebi(bytes int64) float64 { return float64(bytes) / (1 << 20) }
