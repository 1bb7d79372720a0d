package main

import (
	"context"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

const (
	// mostGC is the garbage collector's percentage while the heap that lives is a few megabytes, as it is without many connections. Collecting at twice its
	// size would mean collecting all the time. 800 gives about a tenth more requests a second, and shorter tails, for some 40 MiB more under load (measured by
	// test/load).
	mostGC  = 800
	leastGC = 100 // what Go has by itself
	// garbage is how much there may be of it once 800 % would be more: ten thousand connections under load keep 100 MiB alive, and would have Souk take
	// 900.
	garbage = 256 << 20
)

// tuneGC sets the percentage by what lives, until ctx ends.
func tuneGC(ctx context.Context) {
	percent := mostGC
	debug.SetGCPercent(percent)
	live := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		runtimemetrics.Read(live)
		if want := gcPercent(live[0].Value.Uint64()); want != percent {
			percent = want
			debug.SetGCPercent(percent) // stops the world, so in steps
		}
	}
}

// gcPercent is what percentage leaves that much garbage beside what lives, in steps of 50.
func gcPercent(live uint64) int {
	return int(min(max(garbage*100/max(live, 1)/50*50, leastGC), mostGC))
}
