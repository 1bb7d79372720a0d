package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

// The other sides of the comparisons are this program again, as a process of its own, started with one of these and what it needs to know.
const (
	serveBareArg    = "serve-bare"
	bareRowsArg     = "bare-rows"
	barePostgresArg = "bare-postgres"
)

// serveBare is net/http with nothing on top. It has no timeouts, no limits, no log. args: how long its answer is.
func serveBare(args []string) error {
	size, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	answer, length := bytes.Repeat([]byte("x"), size), []string{args[0]}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	counters, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_ = http.Serve(counters, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			fmt.Fprintf(w, "go_memstats_mallocs_total %d\n", m.Mallocs)
		}))
	}()
	fmt.Println(ln.Addr(), counters.Addr())
	return http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header()["Content-Length"] = length // without it, net/http sends an answer of more than 2 KiB in chunks
		_, _ = w.Write(answer)
	}))
}

// bareBatch is how many rows the bare loop has in a transaction: as many as can wait for Souk's one writer at a time.
const bareBatch = batchConnections * batchRecords

// bareRows is the in-process loop: it inserts rows of a stream into the store of that path, and prints how many a second. args: path, the stream's first
// hour, the first row, how many.
func bareRows(args []string) error {
	var number [3]int64
	for i := range number {
		n, err := strconv.ParseInt(args[i+1], 10, 64)
		if err != nil {
			return err
		}
		number[i] = n
	}
	s, first, count := stream{time.Unix(number[0], 0).UTC()}, int(number[1]), int(number[2])
	accounts := make([]string, customers)
	for i := range accounts {
		accounts[i] = customer(i)
	}
	rate, err := sqlstore.BareUsageLoop(context.Background(), args[0], count, bareBatch, func(i int, r *market.UsageRecord) {
		s.record(first+i, accounts, r)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Println(rate)
	return err
}

// runBareRows runs the bare loop where servers run, in a process of its own.
func runBareRows(ctx context.Context, path string, s stream, first, count int) (perSecond float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, self, bareRowsArg, path, fmt.Sprint(s.first.Unix()), fmt.Sprint(first), fmt.Sprint(count))
	cmd.Stdout, cmd.Stderr = &out, &complaints
	onServerCPU(func() { err = cmd.Start() })
	if err != nil {
		return 0, err
	}
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("bare loop: %w\n%s", err, complaints.String())
	}
	return strconv.ParseFloat(strings.TrimSpace(out.String()), 64)
}
