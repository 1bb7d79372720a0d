package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/test/process"
)

// row is one line of the table.
type row struct {
	connections int
	name        string
	sample              // medians
	ratio       float64 // of perSecond to the bare handler's, round by round, the median
	p99ratio    float64
}

// summarize takes medians; ratios are taken within a round, where both sides had the same noise.
func summarize(n int, targets []*target, samples [][]sample) []row {
	var rows []row
	for i, t := range targets {
		r := row{connections: n, name: t.name}
		r.perSecond = medianOf(samples[i], func(s sample) float64 { return s.perSecond })
		r.p50 = time.Duration(medianOf(samples[i], func(s sample) float64 { return float64(s.p50) }))
		r.p99 = time.Duration(medianOf(samples[i], func(s sample) float64 { return float64(s.p99) }))
		r.cpu = time.Duration(medianOf(samples[i], func(s sample) float64 { return float64(s.cpu) }))
		r.mallocs = medianOf(samples[i], func(s sample) float64 { return s.mallocs })
		var ratios, p99s []float64
		for k, s := range samples[i] {
			ratios = append(ratios, s.perSecond/samples[0][k].perSecond)
			p99s = append(p99s, float64(s.p99)/float64(samples[0][k].p99))
		}
		r.ratio, r.p99ratio = median(ratios), median(p99s)
		rows = append(rows, r)
	}
	return rows
}

func medianOf(list []sample, value func(sample) float64) float64 {
	var v []float64
	for _, s := range list {
		v = append(v, value(s))
	}
	return median(v)
}

func median(v []float64) float64 {
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// starts is how a process begins.
type starts struct {
	first time.Duration // from process start to the first resolved token, median
	rss   int64         // resident, idle, median, in bytes
}

// timeStarts starts `souk serve` on a store that exists, again and again, and resolves a token at once.
func timeStarts(ctx context.Context, n int) (out starts, err error) {
	s, err := startSouk(ctx)
	if err != nil {
		return out, err
	}
	p, err := s.process.Buy(ctx, product)
	if err != nil {
		return out, err
	}
	if err := s.process.Stop(); err != nil {
		return out, err
	}
	defer os.RemoveAll(s.dir)
	var firsts, sizes []float64
	for range n {
		begin := time.Now()
		again, err := process.Start(ctx, "serve", "--data", s.dir)
		if err != nil {
			return out, err
		}
		res, err := resolve(ctx, again.Endpoint, p.RegistrationToken)
		if err != nil {
			return out, err
		}
		firsts = append(firsts, float64(time.Since(begin)))
		if res != http.StatusOK {
			return out, fmt.Errorf("first token after the start: status %d", res)
		}
		time.Sleep(300 * time.Millisecond) // idle means that the start is over
		sizes = append(sizes, float64(resident(again.Cmd.Process.Pid)))
		if err := again.Stop(); err != nil {
			return out, err
		}
	}
	return starts{time.Duration(median(firsts)), int64(median(sizes))}, nil
}

func render(rows []row, st starts, pinned bool, size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| connections | server | requests/s | ratio | p50 | p99 | p99 ratio | CPU/request | allocations/request |\n")
	fmt.Fprintf(&b, "|---:|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %d | %s | %.0f | %.2f | %s | %s | %.2f | %s | %.1f |\n", r.connections, r.name, r.perSecond, r.ratio,
			r.p50.Round(time.Microsecond), r.p99.Round(time.Microsecond), r.p99ratio, r.cpu.Round(10*time.Nanosecond), r.mallocs)
	}
	fmt.Fprintf(&b, "\nFrom process start to the first resolved token, store on disk: %s. Resident memory, idle: %.1f MiB.\n",
		st.first.Round(100*time.Microsecond), float64(st.rss)/(1<<20))
	how := "client and servers share the CPUs"
	if pinned {
		how = "servers on one core, the client on the others"
	}
	fmt.Fprintf(&b, "Answers of %d bytes; %s; %d CPUs, %s, %s.\n", size, how, runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format("2006-01-02"))
	return b.String()
}

const (
	beginMark = "<!-- load:begin -->\n"
	endMark   = "<!-- load:end -->"
)

// updateFile puts the table between the markers of a file.
func updateFile(name, table string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(b), beginMark)
	_, tail, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no %q … %q", name, strings.TrimSpace(beginMark), endMark)
	}
	return os.WriteFile(name, []byte(head+beginMark+table+endMark+tail), 0o644)
}
