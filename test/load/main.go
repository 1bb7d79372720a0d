// Command load measures Souk beside a bare net/http handler, in one run and alternating, and prints a Markdown table.
//
//	go run ./test/load                 # the full run: about two minutes
//	go run ./test/load -update README.md
//
// What is compared: ResolveCustomer on `souk serve` with every check on (signature, policy, seal, Region, constraints, request record; quota
// off; store SQLite on disk) against a handler that reads the body and writes a constant answer of the same size. Same client, same
// connections, requests of the same size. Where the system allows it the servers share one CPU core and the client has the
// other ones, so that the client does not dilute the comparison. Take the ratios; absolute figures are this machine's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/test/process"
)

type config struct {
	connections []int
	duration    time.Duration
	rounds      int
	starts      int
	update      string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == bareArg {
		serveBare()
		return
	}
	var c config
	connections := flag.String("connections", "16,64,256", "numbers of connections, with commas between them")
	flag.DurationVar(&c.duration, "duration", 2*time.Second, "length of one measurement")
	flag.IntVar(&c.rounds, "rounds", 5, "rounds of A B; medians are quoted")
	flag.IntVar(&c.starts, "starts", 9, "process starts to time")
	flag.StringVar(&c.update, "update", "", "put the table between the markers of this file")
	flag.Parse()
	for _, s := range strings.Split(*connections, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "load: -connections: %q is not a number\n", s)
			os.Exit(2)
		}
		c.connections = append(c.connections, n)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, c)
	process.RemoveBinary()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c config) error {
	pinned := pinClient()
	souk, err := startSouk(ctx)
	if err != nil {
		return err
	}
	defer souk.stop()
	logged, err := startSouk(ctx, "--access-log", souk.dir+"/access.log")
	if err != nil {
		return err
	}
	defer logged.stop()
	requests, size, err := souk.sign(ctx, 512)
	if err != nil {
		return err
	}
	loggedRequests, _, err := logged.sign(ctx, 512)
	if err != nil {
		return err
	}
	bare, err := startBare(ctx, size)
	if err != nil {
		return err
	}
	defer bare.stop()
	targets := []*target{
		{name: "bare net/http handler", server: bare, requests: requests, host: bare.host},
		{name: "souk", server: &souk.server, requests: requests, host: souk.host},
		{name: "souk, access log to a file", server: &logged.server, requests: loggedRequests, host: logged.host},
	}
	for _, t := range targets {
		if err := t.server.checkPinned(); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	var rows []row
	for _, n := range c.connections {
		for _, t := range targets { // warm up: caches, heap, connections of the kernel
			if _, err := measure(ctx, t, n, c.duration/4); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
		samples := make([][]sample, len(targets))
		for round := range c.rounds {
			for i, t := range targets {
				s, err := measure(ctx, t, n, c.duration)
				if err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
				samples[i] = append(samples[i], s)
				fmt.Fprintf(os.Stderr, "\r\033[K%d connections, round %d of %d: %s %.0f/s", n, round+1, c.rounds, t.name, s.perSecond)
			}
		}
		rows = append(rows, summarize(n, targets, samples)...)
	}
	fmt.Fprint(os.Stderr, "\r\033[K")
	starts, err := timeStarts(ctx, c.starts)
	if err != nil {
		return err
	}
	table := render(rows, starts, pinned, size)
	fmt.Print(table)
	if c.update != "" {
		return updateFile(c.update, table)
	}
	return nil
}
