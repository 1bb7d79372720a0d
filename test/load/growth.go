package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// stage is how BatchMeterUsage does with so many rows in the store.
type stage struct {
	rows      int
	perSecond float64       // records, median of the samples around it
	cpu       time.Duration // of the server, per record
	resident  int64         // bytes
	stored    int64         // bytes of the store's files
}

// million is the first stage.
const million = 1_000_000

// growth fills a store, and looks at it at a million rows and at the end.
func (b *bench) growth(ctx context.Context, rows int) (stages []stage, err error) {
	m, err := b.startMeter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.souk.stop()
	const count = 125 * bareBatch // 200,000
	type point struct {
		rows int
		sample
	}
	var points []point
	add := func(rows int) {
		st := stage{rows: rows}
		var rates, cpus []float64
		for _, p := range points { // those within half a million
			if p.rows > rows-million/2 && p.rows <= rows+million/2 {
				rates, cpus = append(rates, p.perSecond), append(cpus, float64(p.cpu)/batchRecords)
			}
		}
		st.perSecond, st.cpu = median(rates), time.Duration(median(cpus))
		stages = append(stages, st)
	}
	var at [2][2]int64 // resident and stored, at both stages
	note := func(i int) { at[i] = [2]int64{resident(m.souk.pid), sizeOf(m.souk.dir)} }
	for m.sent < rows {
		s, err := m.sample(ctx, count)
		if err != nil {
			return nil, fmt.Errorf("BatchMeterUsage at %d rows: %w", m.sent, err)
		}
		points = append(points, point{m.sent, s})
		if m.sent == million {
			note(0)
		}
		b.say("BatchMeterUsage, %d rows: %.0f records/s, %.1f MiB resident", m.sent, s.perSecond, mebi(resident(m.souk.pid)))
	}
	note(1)
	add(million)
	add(m.sent)
	for i := range stages {
		stages[i].resident, stages[i].stored = at[i][0], at[i][1]
	}
	return stages, m.checkLedger(ctx)
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
