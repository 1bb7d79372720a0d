// Command crash kills Souk under load, or has its database fail, again and again, and holds what is left to what was acknowledged.
//
//	go run ./test/crash -kills 200                         # SQLite, about three minutes
//	go run ./test/crash -kills 200 -postgres -nodes 3      # a PostgreSQL of its own
//	go run ./test/crash -kills 200 -store postgres://…     # an empty database
//	go run ./test/crash -faults 100 -nodes 3               # a PostgreSQL of its own that fails, about ten minutes
//
// Several clients meter (new records, the same again, the same in another quantity, what has to be refused, MeterUsage with client tokens), buy, and
// resolve what was bought. At a random moment, also while it starts, `souk serve` gets a SIGKILL. After the next start the journal of the clients (see
// journal.go) judges the whole ledger, as the control API shows it (verdict.go):
//
//   - every acknowledged record and purchase is there, once, with its id and its quantity;
//   - none that was refused is, nor any that nobody sent;
//   - of those that had no answer each is there once or not at all. Those that are have to stay, and what is sent again gets the id that it has.
//
// `souk check` has to find nothing.
//
// With -faults nodes go on, and it is PostgreSQL, syncing as in production, or the network before it, that fails (faults.go): it is restarted, crashes,
// is killed, its connections are terminated, cut, or forgotten by a firewall, its answers are lost after it did what was asked, it is slow, frozen, or
// away for longer than nodes wait. Then its disk is filled, until its log has no room either, and at last it is killed for good and its replica takes over.
// Meanwhile clients must be told nothing but the truth: what was done, that it was not, InternalServiceErrorException, ServiceUnavailable, or nothing.
// When the fault is over, every node has to take usage within fifteen seconds without being touched, and the ledger has to pass the same verdict.
//
// What the clients do, and what befalls the database, is drawn from -seed; how it falls together is not.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/souk-market/souk/test/process"
)

func main() {
	c := trialConfig{config: config{say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, "\r\033[K"+format, args...) }}}
	flag.StringVar(&c.store, "store", "", "URL of an empty PostgreSQL database; a SQLite store in a directory of its own if empty")
	flag.BoolVar(&c.postgres, "postgres", false, "start a PostgreSQL for the kills")
	flag.IntVar(&c.nodes, "nodes", 1, "how many nodes share the database")
	flag.IntVar(&c.clients, "clients", 8, "how many clients there are at a time")
	flag.IntVar(&c.kills, "kills", 200, "how many kills")
	flag.IntVar(&c.faults, "faults", 0, "in the place of kills: how many faults of a PostgreSQL that is started for them")
	flag.StringVar(&c.only, "only", "", "with -faults: only those whose name has this in it, such as muted")
	flag.IntVar(&c.fills, "fills", 4, "with -faults: how often a disk is full, for which it takes root")
	flag.IntVar(&c.failovers, "failovers", 3, "with -faults: how often a replica takes over")
	flag.IntVar(&c.records, "records", 1500, "how many new usage records at most between two kills")
	flag.IntVar(&c.check, "check", 10, "run souk check after every so many kills or faults")
	flag.Uint64Var(&c.seed, "seed", rand.Uint64(), "seed of the dice")
	flag.Parse()
	shared := c.store != "" || c.postgres || c.faults > 0
	if c.nodes < 1 || c.clients < 1 || c.kills < 1 || c.records < 1 || c.faults < 0 || !shared && c.nodes > 1 {
		fmt.Fprintln(os.Stderr, "crash: -nodes, -clients, -kills and -records are at least 1, and a SQLite store has one node")
		os.Exit(2)
	}
	if c.faults > 0 && !slices.ContainsFunc(kinds[:], func(k kind) bool { return strings.Contains(k.name, c.only) }) {
		fmt.Fprintln(os.Stderr, "crash: no fault has", c.only, "in its name")
		os.Exit(2)
	}
	fmt.Printf("seed %d\n", c.seed)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var r fmt.Stringer
	var err error
	if c.faults > 0 {
		r, err = try(ctx, c)
	} else {
		r, err = run(ctx, c.config)
	}
	stop()
	process.RemoveBinary()
	c.say("")
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
	fmt.Println(r)
}
