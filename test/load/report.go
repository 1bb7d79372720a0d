package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is what was measured; what was not is nil.
type report struct {
	handlers []comparison // beside the bare handler
	batch    []comparison // beside the bare loop
	growth   []stage
	starts   *starts
	database []time.Duration // CPU of PostgreSQL per record, by round
	nodes    []nodeCount
	overload []overload
	crowd    *crowd
	soak     *soak
}

func medianOf(list []sample, value func(*sample) float64) float64 {
	v := make([]float64, len(list))
	for i := range list {
		v[i] = value(&list[i])
	}
	return median(v)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

func perSecond(s *sample) float64 { return s.perSecond }
func p50(s *sample) float64       { return float64(s.p50) }
func p99(s *sample) float64       { return float64(s.p99) }
func cpu(s *sample) float64       { return float64(s.cpu) }
func mallocs(s *sample) float64   { return s.mallocs }

// ratios are those of Souk to its yardstick, round by round: within a round both had the same noise.
func (c *comparison) ratios(value func(*sample) float64) []float64 {
	r := make([]float64, len(c.souk))
	for i := range r {
		r[i] = value(&c.souk[i]) / value(&c.bare[i])
	}
	return r
}

// spread writes the median of ratios, and the least and the greatest of them.
func spread(ratios []float64) string {
	return fmt.Sprintf("**%.2f** (%.2f to %.2f)", median(ratios), slices.Min(ratios), slices.Max(ratios))
}

func duration(list []sample, value func(*sample) float64, parts int) string {
	d := time.Duration(medianOf(list, value)) / time.Duration(parts)
	unit := time.Microsecond
	if d < 100*time.Microsecond {
		unit = 10 * time.Nanosecond
	}
	return d.Round(unit).String()
}

// tables writes the report as Markdown. Ratios come first: absolute figures are the machine's.
func (r *report) tables(c config, pinned bool) string {
	var b strings.Builder
	how := "client and servers share the CPUs"
	if pinned {
		how = "servers on one CPU, the client on the others"
	}
	fmt.Fprintf(&b, "%s/%s, %d CPUs, %s, %s. Each table is of one run in which both sides took turns; medians of %d rounds, in brackets the least and the greatest.\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format("2006-01-02"), c.rounds)
	if r.handlers != nil {
		fmt.Fprintf(&b, "\nBeside a bare `net/http` handler; %s:\n\n", how)
		b.WriteString("| operation | connections | ratio | p99 ratio | requests/s | bare | p50 | p99 | CPU/request | bare | allocations/request | bare |\n")
		b.WriteString("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
		for _, c := range r.handlers {
			fmt.Fprintf(&b, "| %s | %d | %s | %.2f | %.0f | %.0f | %s | %s | %s | %s | %.1f | %.1f |\n", c.name, c.connections,
				spread(c.ratios(perSecond)), median(c.ratios(p99)), medianOf(c.souk, perSecond), medianOf(c.bare, perSecond),
				duration(c.souk, p50, 1), duration(c.souk, p99, 1), duration(c.souk, cpu, 1), duration(c.bare, cpu, 1),
				medianOf(c.souk, mallocs), medianOf(c.bare, mallocs))
		}
	}
	if r.batch != nil {
		fmt.Fprintf(&b, "\n`BatchMeterUsage`, %d records a request, %d connections, beside a bare in-process loop of the same inserts:\n\n", batchRecords, batchConnections)
		b.WriteString("| who had which CPUs | ratio | records/s | bare loop | p50 | p99 | CPU/record | allocations/record |\n")
		b.WriteString("|---|---:|---:|---:|---:|---:|---:|---:|\n")
		for _, c := range r.batch {
			fmt.Fprintf(&b, "| %s | %s | %.0f | %.0f | %s | %s | %s | %.1f |\n", c.name, spread(c.ratios(perSecond)),
				medianOf(c.souk, perSecond), medianOf(c.bare, perSecond), duration(c.souk, p50, 1), duration(c.souk, p99, 1),
				duration(c.souk, cpu, batchRecords), medianOf(c.souk, mallocs)/batchRecords)
		}
	}
	if r.growth != nil {
		fmt.Fprintf(&b, "\nThe same while the store grows; %s; medians of the samples within half a million rows:\n\n", how)
		b.WriteString("| rows | rate to that at 1 M | records/s | CPU/record | resident | store | CPUs busy with other processes |\n|---:|---:|---:|---:|---:|---:|---:|\n")
		for _, s := range r.growth {
			fmt.Fprintf(&b, "| %.1f M | **%.2f** | %.0f | %s | %.0f MiB | %.0f MiB | %.0f %% |\n", float64(s.rows)/million, s.perSecond/r.growth[0].perSecond,
				s.perSecond, s.cpu.Round(10*time.Nanosecond), mebi(s.resident), mebi(s.stored), 100*s.othersBusy)
		}
	}
	if r.starts != nil {
		fmt.Fprintf(&b, "\nFrom process start to the first resolved token, store on disk: %s. Resident memory, idle: %.1f MiB.\n",
			r.starts.first.Round(100*time.Microsecond), mebi(r.starts.rss))
	}
	r.strainTables(&b)
	if n := r.noise(); n > 0.02 {
		fmt.Fprintf(&b, "\nOther processes kept the CPUs %.0f %% busy meanwhile (median).\n", 100*n)
	}
	for _, name := range r.limited() {
		fmt.Fprintf(&b, "\nThe client was the bottleneck of %s: take those figures as a lower bound.\n", name)
	}
	return b.String()
}

// noise is how busy others kept the machine, the median of Souk's samples.
func (r *report) noise() float64 {
	var v []float64
	for _, c := range slices.Concat(r.handlers, r.batch) {
		for i := range c.souk {
			v = append(v, c.souk[i].othersBusy)
		}
	}
	if v == nil {
		return 0
	}
	return median(v)
}

// limited names what says more of the client than of the servers, in most of its rounds.
func (r *report) limited() (names []string) {
	for _, c := range slices.Concat(r.handlers, r.batch) {
		n := 0
		for i := range c.souk {
			if c.souk[i].limitedByClient() || c.bare[i].limitedByClient() {
				n++
			}
		}
		if 2*n > len(c.souk) {
			names = append(names, fmt.Sprintf("%s at %d connections", c.name, c.connections))
		}
	}
	return names
}

const (
	beginMark = "<!-- load:begin -->\n"
	endMark   = "<!-- load:end -->"
)

// updateFile puts the tables between the markers of a file.
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
