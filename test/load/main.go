// Command load measures Souk beside bare yardsticks, in one run and alternating, and prints Markdown tables.
//
//	go run ./test/load                           # about four minutes
//	go run ./test/load -only batch -rows 10000000
//	go run ./test/load -update README.md
//
// The parts, for -only:
//
//   - resolve: ResolveCustomer on `souk serve` with every check on (signature, policy, seal, Region, constraints, request record; quota off; store
//     SQLite on disk) against a net/http handler that reads the body and writes a constant answer of the same size. Same client, same connections, the
//     same requests.
//   - entitlements: GetEntitlements of one customer's 25 entitlements likewise, in JSON and in CBOR.
//   - batch: BatchMeterUsage of 25 records over 64 connections, every check on, every commit synced, against a loop in one goroutine that inserts
//     the same rows, deduplicated, into the same table of the same engine, synced too, as many rows a transaction as all connections have under
//     way together (see sqlstore.BareUsageLoop). Of the rows 2 % are repeats. The market's clock is moved between samples, since no more than 24 hours
//     of usage are taken at a time; that alone is why these servers run with --simulation.
//   - growth: the same at a million rows and at -rows; only with -rows.
//   - postgres: batch on PostgreSQL, against a loop of two connections (see sqlstore.BarePostgresLoop); only with -only.
//   - nodes: ResolveCustomer over one, two and four nodes on one PostgreSQL; only with -only.
//   - overload: ten times what the server can answer, for a while, and what became of it; only with -only.
//   - connections: 10,000 idle connections, and 2,000 slow clients beside others; only with -only.
//   - soak: a mixed load for -duration, such as 15m, and what it leaves behind; only with -only.
//   - starts: from the start of a process to its first answer, and its memory when idle.
//
// Where the system allows it the servers share one CPU and the client has the other ones, so that the client does not dilute the comparison; batch is
// measured without that, too. Take the ratios; absolute figures are this machine's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/test/process"
)

// parts are those of a plain run, and strains the others.
var (
	parts   = []string{"resolve", "entitlements", "batch", "growth", "starts"}
	strains = []string{"postgres", "nodes", "overload", "connections", "soak"}
)

type config struct {
	only        []string
	connections []int
	duration    time.Duration
	rounds      int
	starts      int
	rows        int
	update      string
	flood       int // connections of overload
}

// bench is a run.
type bench struct {
	config
	pinned    bool
	souk      *soukServer     // for what needs no server of its own
	database  []time.Duration // CPU of PostgreSQL per record, by round
	customers string          // directory of a store with customers who report usage, if they were made
}

func main() {
	if len(os.Args) > 1 {
		yardsticks := map[string]func([]string) error{serveBareArg: serveBare, bareRowsArg: bareRows, barePostgresArg: barePostgres}
		if yardstick := yardsticks[os.Args[1]]; yardstick != nil {
			exit(yardstick(os.Args[2:]))
			return
		}
	}
	c, err := parseFlags()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err = run(ctx, c)
	process.RemoveBinary()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func parseFlags() (c config, err error) {
	only := flag.String("only", "", "parts to measure, with commas between them: "+strings.Join(parts, ", ")+"; all of these if empty. Further ones: "+strings.Join(strains, ", "))
	connections := flag.String("connections", "16,64,256", "numbers of connections for resolve, with commas between them")
	flag.DurationVar(&c.duration, "duration", 2*time.Second, "length of one measurement")
	flag.IntVar(&c.rounds, "rounds", 5, "rounds of A B; medians are quoted")
	flag.IntVar(&c.starts, "starts", 9, "process starts to time")
	flag.IntVar(&c.rows, "rows", 0, "how far the store grows, such as 10000000; 0: leave growth out")
	flag.StringVar(&c.update, "update", "", "put the tables between the markers of this file")
	flag.IntVar(&c.flood, "flood", 8000, "connections of overload, each with a request under way: with few, ten times the capacity never arrives")
	flag.Parse()
	for _, s := range strings.Split(*connections, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 {
			return c, fmt.Errorf("-connections: %q is not a number", s)
		}
		c.connections = append(c.connections, n)
	}
	c.only = parts
	if *only != "" {
		c.only = strings.Split(*only, ",")
	}
	for _, part := range c.only {
		if all := slices.Concat(parts, strains); !slices.Contains(all, part) {
			return c, fmt.Errorf("-only: there is no %q; there are %s", part, strings.Join(all, ", "))
		}
	}
	switch {
	case c.rounds < 1 || c.starts < 1 || c.flood < 1 || c.duration <= 0:
		return c, fmt.Errorf("-rounds, -starts, -flood and -duration must be more than 0")
	case c.rows != 0 && (c.rows < 2*million || c.rows > maxRows):
		return c, fmt.Errorf("-rows must be from %d to %d", 2*million, maxRows)
	case *only != "" && slices.Contains(c.only, "growth") && c.rows == 0:
		return c, fmt.Errorf("growth needs -rows")
	}
	return c, nil
}

func (b *bench) has(part string) bool { return slices.Contains(b.only, part) }

// say tells how far it is.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "\r\033[K"+format, args...)
}

func run(ctx context.Context, c config) (err error) {
	b := &bench{config: c, pinned: pinClient()}
	var r report
	if b.has("resolve") || b.has("entitlements") {
		if b.souk, err = startSouk(ctx); err != nil {
			return err
		}
		defer b.souk.stop()
	}
	if b.has("resolve") {
		if r.handlers, err = b.resolve(ctx); err != nil {
			return err
		}
	}
	if b.has("entitlements") {
		more, err := b.entitlements(ctx)
		if err != nil {
			return err
		}
		r.handlers = append(r.handlers, more...)
	}
	if b.has("batch") || b.has("growth") && c.rows > 0 || b.has("overload") || b.has("soak") {
		err := b.addCustomers(ctx)
		defer func() { _ = os.RemoveAll(b.customers) }()
		if err != nil {
			return err
		}
	}
	if b.has("batch") {
		if r.batch, err = b.batch(ctx); err != nil {
			return err
		}
	}
	if b.has("growth") && c.rows > 0 {
		if r.growth, err = b.growth(ctx, c.rows); err != nil {
			return err
		}
	}
	if b.has("starts") {
		s, err := timeStarts(ctx, c.starts)
		if err != nil {
			return err
		}
		r.starts = &s
	}
	if err := b.strain(ctx, &r); err != nil {
		return err
	}
	b.say("")
	table := r.tables(c, b.pinned)
	fmt.Print(table)
	if c.update != "" {
		return updateFile(c.update, table)
	}
	return nil
}
