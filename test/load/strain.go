package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// strain runs what is not a comparison but shows where the bounds are.
func (b *bench) strain(ctx context.Context, r *report) (err error) {
	if b.has("postgres") {
		more, err := b.postgres(ctx)
		if err != nil {
			return fmt.Errorf("postgres: %w", err)
		}
		r.batch = append(r.batch, more...)
		r.database = b.database
	}
	if b.has("nodes") {
		if r.nodes, err = b.nodes(ctx); err != nil {
			return fmt.Errorf("nodes: %w", err)
		}
	}
	if b.has("overload") {
		if r.overload, err = b.overload(ctx); err != nil {
			return fmt.Errorf("overload: %w", err)
		}
	}
	if b.has("connections") {
		c, err := b.crowd(ctx)
		if err != nil {
			return fmt.Errorf("connections: %w", err)
		}
		r.crowd = &c
	}
	if b.has("soak") {
		s, err := b.soak(ctx)
		if err != nil {
			return fmt.Errorf("soak: %w", err)
		}
		r.soak = &s
	}
	return nil
}

// strainTables writes what was strained.
func (r *report) strainTables(b *strings.Builder) {
	r.overloadTable(b)
	r.crowdTable(b)
	r.soakTable(b)
}

func (r *report) overloadTable(b *strings.Builder) {
	if r.database != nil {
		fmt.Fprintf(b, "\nPostgreSQL itself took %s of CPU a record for Souk.\n", short(slices.Sorted(slices.Values(r.database))[len(r.database)/2]))
	}
	if r.nodes != nil {
		b.WriteString("\nResolveCustomer over several nodes on one PostgreSQL, which share the servers' CPU:\n\n")
		b.WriteString("| nodes | CPU/request | to that of one | requests/s, all nodes |\n|---:|---:|---:|---:|\n")
		one := medianOf(r.nodes[0].samples, cpu)
		for _, n := range r.nodes {
			fmt.Fprintf(b, "| %d | %s | **%.2f** | %.0f |\n", n.nodes, duration(n.samples, cpu, 1), medianOf(n.samples, cpu)/one, medianOf(n.samples, perSecond))
		}
	}
	if r.overload != nil {
		fmt.Fprintf(b, "\nTen times the capacity offered, in an open loop over %d connections; capacity is that of a closed loop of %d:\n\n", r.overload[0].connections, capacityConnections)
		b.WriteString("| operation | capacity/s | sent/s | answered/s | of capacity | p50 | p99 | shed/s | shed p50 | shed p99 | resident before, peak, after | first answer after | calm after | CPU/answer, of capacity's | CPU of server, client |\n")
		b.WriteString("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|\n")
		for i := range r.overload {
			o := &r.overload[i]
			f := &o.flood
			seconds := f.took.Seconds()
			fmt.Fprintf(b, "| %s | %.0f | %.0f | %.0f | **%.2f** | %s | %s | %.0f | %s | %s | %.0f, %.0f, %.0f MiB | %s | %s | %.1f | %.0f %%, %.0f %% |\n", o.name, o.capacity.perSecond,
				float64(f.sent)/seconds, f.goodput(), f.goodput()/o.capacity.perSecond, short(at(f.answered, .5)), short(at(f.answered, .99)),
				float64(len(f.shed))/seconds, short(at(f.shed, .5)), short(at(f.shed, .99)), mebi(f.before), mebi(f.peak), mebi(f.after), short(f.recovery), short(f.calm), float64(f.cpu)/float64(o.capacity.cpu), 100*f.serverBusy, 100*f.clientBusy)
		}
		for i := range r.overload {
			if w := r.overload[i].other; w != nil {
				fmt.Fprintf(b, "\nResolveCustomer on a new connection meanwhile: %d calls, %d shed, p50 %s, p99 %s (at capacity: %s, %s).\n", len(w.flooded)+w.shed, w.shed,
					short(at(w.flooded, .5)), short(at(w.flooded, .99)), short(at(w.quiet, .5)), short(at(w.quiet, .99)))
			}
		}
	}
}

// grows is by how much the last quarter of a soak may lie above the first before it is said.
const grows = 1.1

func (r *report) crowdTable(b *strings.Builder) {
	c := r.crowd
	if c == nil {
		return
	}
	fmt.Fprintf(b, "\nResolveCustomer over %d connections beside others; medians:\n\n", crowdLoad)
	b.WriteString("| beside | requests/s | of alone | p99 | of alone | resident | files |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for i, row := range []struct {
		name string
		list []sample
	}{
		{"nobody", c.alone}, {fmt.Sprintf("%d idle connections", idleConnections), c.idle},
		{fmt.Sprintf("%d slow writers, %d slow readers", slowWriters, slowReaders), c.slow},
	} {
		fmt.Fprintf(b, "| %s | %.0f | **%.2f** | %s | %.2f | %.0f MiB | %d |\n", row.name, medianOf(row.list, perSecond), medianOf(row.list, perSecond)/medianOf(c.alone, perSecond),
			duration(row.list, p99, 1), medianOf(row.list, p99)/medianOf(c.alone, p99), mebi(c.memory[i]), c.files[i])
	}
	fmt.Fprintf(b, "\nIn %s the server ended %d connections of slow writers and %d of slow readers. When all had gone: %.0f MiB, %d files.\n",
		slowFor, c.writersCut, c.readerCut, mebi(c.after), c.filesAfter)
}

func (r *report) soakTable(b *strings.Builder) {
	s := r.soak
	if s == nil {
		return
	}
	fmt.Fprintf(b, "\nA soak of %s:", s.length.Round(time.Second))
	for i, o := range soakOperations {
		fmt.Fprintf(b, " %d of %s,", s.answered[i], o.name)
	}
	fmt.Fprintf(b, " all right, and %d refused. Medians:\n\n| | second quarter | last quarter | |\n|---|---:|---:|---|\n", s.shed)
	for _, row := range []struct {
		name, format string
		value        func(*soakPoint) float64
		of           func([]float64) float64
	}{
		{"resident memory", "%.1f MiB", func(p *soakPoint) float64 { return mebi(p.resident) }, median},
		{"heap, at its least (just collected)", "%.1f MiB", func(p *soakPoint) float64 { return p.heap / (1 << 20) }, slices.Min[[]float64]},
		{"open files", "%.0f", func(p *soakPoint) float64 { return float64(p.files) }, median},
		{"goroutines", "%.0f", func(p *soakPoint) float64 { return p.goroutines }, median},
	} {
		second, last := s.quarters(row.value, row.of)
		verdict := "flat"
		if last > second*grows {
			verdict = "**grows**"
		}
		fmt.Fprintf(b, "| %s | "+row.format+" | "+row.format+" | %s |\n", row.name, second, last, verdict)
	}
}

// short is a duration to three digits or so.
func short(d time.Duration) string {
	for unit := time.Duration(1); ; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
}
