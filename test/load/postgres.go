package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/pgtest"
	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/vault"
	"github.com/souk-market/souk/test/process"
)

// loadKey is the key of the stores on PostgreSQL. Nothing in them is worth anything.
var loadKey = strings.Repeat("6c", 32)

// bareWriters is how many connections the bare loop on PostgreSQL has: with two, one is under way while the other's answer is read.
const bareWriters = 2

// barePostgres is bareRows on PostgreSQL. args: the database's URL, the stream's first hour, the first row, how many.
func barePostgres(args []string) error {
	var number [3]int64
	for i := range number {
		n, err := strconv.ParseInt(args[i+1], 10, 64)
		if err != nil {
			return err
		}
		number[i] = n
	}
	key, err := vault.Parse(loadKey)
	if err != nil {
		return err
	}
	s, first, count := stream{time.Unix(number[0], 0).UTC()}, int(number[1]), int(number[2])
	accounts := make([]string, customers)
	for i := range accounts {
		accounts[i] = customer(i)
	}
	config := sqlstore.PostgresConfig{URL: args[0], Create: true, Vault: vault.New(key)}
	rate, err := sqlstore.BarePostgresLoop(context.Background(), config, count, bareBatch/bareWriters, bareWriters, func(i int, r *market.UsageRecord) {
		s.record(first+i, accounts, r)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Println(rate)
	return err
}

// cluster is souk processes on one database.
type cluster struct {
	database *pgtest.Server
	url      string
	nodes    []*soukServer
}

// startCluster starts a PostgreSQL that syncs as in production, a database with the seller's world, and nodes.
func startCluster(ctx context.Context, nodes int, args ...string) (c *cluster, err error) {
	c = &cluster{}
	if c.database, err = pgtest.Start(pgtest.Config{Sync: true}); err != nil {
		return nil, fmt.Errorf("PostgreSQL: %w", err)
	}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	if _, c.url, err = c.database.Create(ctx, ""); err != nil {
		return nil, err
	}
	if err := os.Setenv("SOUK_STORE_KEY", loadKey); err != nil {
		return nil, err
	}
	binary, err := process.Binary()
	if err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, binary, "init", "--store", c.url).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("souk init: %w\n%s", err, out)
	}
	for range nodes {
		if err := c.add(ctx, args...); err != nil {
			return nil, err
		}
	}
	return c, c.nodes[0].apply(ctx, sellerWorld())
}

// add starts one more node.
func (c *cluster) add(ctx context.Context, args ...string) error {
	var p *process.Souk
	var err error
	onServerCPU(func() { p, err = process.Start(ctx, append([]string{"serve", "--store", c.url}, args...)...) })
	if err != nil {
		return err
	}
	s := &soukServer{process: p}
	s.host, s.pid, s.mallocsURL = strings.TrimPrefix(p.Endpoint, "http://"), p.Cmd.Process.Pid, p.Control+"/metrics"
	s.stop = func() {
		if err := p.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
		}
	}
	c.nodes = append(c.nodes, s)
	return nil
}

func (c *cluster) stop() {
	for _, n := range c.nodes {
		n.stop()
	}
	if err := c.database.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
	}
}

// postgres measures BatchMeterUsage on PostgreSQL beside the bare loop, which has a database of its own in the same server. Nothing is pinned: Souk shares all
// CPUs with its client and with PostgreSQL, the loop with PostgreSQL only.
func (b *bench) postgres(ctx context.Context) (list []comparison, err error) {
	unpinClient()
	defer func() {
		if b.pinned && !pinClient() {
			err = errors.Join(err, errors.New("the client could not be pinned again"))
		}
	}()
	c, err := startCluster(ctx, 1, "--simulation")
	if err != nil {
		return nil, err
	}
	defer c.stop()
	if err := c.nodes[0].addCustomers(ctx); err != nil {
		return nil, err
	}
	_, bareURL, err := c.database.Create(ctx, "")
	if err != nil {
		return nil, err
	}
	m := &meter{stream: newStream(time.Now()), souk: c.nodes[0]}
	out := comparison{name: "PostgreSQL; nothing pinned: Souk and its client share all CPUs with PostgreSQL, the loop shares them with PostgreSQL only", connections: batchConnections}
	for round := -1; round < b.rounds; round++ {
		first, count := m.sent, b.sampleRows()
		if round < 0 { // warm up, and have every series met
			count = max(count/4, block) / bareBatch * bareBatch
		}
		rate, err := runBarePostgres(ctx, bareURL, m.stream, first, count)
		if err != nil {
			return nil, err
		}
		before := c.databaseCPU()
		souk, err := m.sample(ctx, count)
		if err != nil {
			return nil, fmt.Errorf("BatchMeterUsage: %w", err)
		}
		if round < 0 {
			continue
		}
		b.database = append(b.database, (c.databaseCPU()-before)/time.Duration(count))
		out.bare, out.souk = append(out.bare, sample{perSecond: rate}), append(out.souk, souk)
		b.say("BatchMeterUsage on PostgreSQL, round %d of %d: bare loop %.0f, Souk %.0f records/s", round+1, b.rounds, rate, souk.perSecond)
	}
	return []comparison{out}, m.checkLedger(ctx)
}

// databaseCPU is what the processes of the database have taken that there are now; those that serve Souk stay.
func (c *cluster) databaseCPU() (sum time.Duration) {
	for _, pid := range c.database.Processes() {
		sum += cpuOf(pid)
	}
	return sum
}

// runBarePostgres runs the bare loop in a process of its own.
func runBarePostgres(ctx context.Context, url string, s stream, first, count int) (perSecond float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, self, barePostgresArg, url, fmt.Sprint(s.first.Unix()), fmt.Sprint(first), fmt.Sprint(count))
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("bare loop: %w\n%s", err, complaints.String())
	}
	return strconv.ParseFloat(strings.TrimSpace(out.String()), 64)
}

// nodeCount is one measurement of ResolveCustomer over some nodes.
type nodeCount struct {
	nodes   int
	samples []sample // perSecond of all nodes together, CPU of all per request
}

// nodes measures ResolveCustomer over one, two and four nodes, round by round. All of them share the machine's CPUs, so what more nodes cost shows in the CPU a
// request takes, and not in the rate.
func (b *bench) nodes(ctx context.Context) (list []nodeCount, err error) {
	c, err := startCluster(ctx, 4)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	for _, n := range []int{1, 2, 4} {
		list = append(list, nodeCount{nodes: n})
	}
	request, err := c.resolveRequest(ctx)
	if err != nil {
		return nil, err
	}
	for round := -1; round < b.rounds; round++ {
		for i := range list {
			s, err := c.measureNodes(ctx, list[i].nodes, request, b.duration)
			if err != nil {
				return nil, err
			}
			if round >= 0 {
				list[i].samples = append(list[i].samples, s)
				b.say("ResolveCustomer, %d nodes, round %d of %d: %.0f requests/s, %s CPU each", list[i].nodes, round+1, b.rounds, s.perSecond, s.cpu)
			}
		}
	}
	return list, nil
}

// resolveRequest makes, per node, one signed request; they are sent again and again.
func (c *cluster) resolveRequest(ctx context.Context) (requests [][]byte, err error) {
	p, err := c.nodes[0].process.Buy(ctx, resolved)
	if err != nil {
		return nil, err
	}
	for _, n := range c.nodes {
		body := fmt.Appendf(nil, `{"RegistrationToken":%q}`, p.RegistrationToken)
		request := appendRequest(nil, resolveCustomer, n.host, body, 0, time.Now())
		if _, err := n.try(request); err != nil {
			return nil, err
		}
		requests = append(requests, request)
	}
	return requests, nil
}

// measureNodes drives the first n nodes at once.
func (c *cluster) measureNodes(ctx context.Context, n int, requests [][]byte, length time.Duration) (all sample, err error) {
	samples, errs := make([]sample, n), make([]error, n)
	done := make(chan struct{}, n)
	for i := range n {
		go func() {
			defer func() { done <- struct{}{} }()
			samples[i], errs[i] = measure(ctx, load{server: &c.nodes[i].server, connections: 64 / n, length: length, next: func(int, int) []byte {
				return requests[i]
			}})
		}()
	}
	for range n {
		<-done
	}
	var cpu float64
	for _, s := range samples {
		all.perSecond += s.perSecond
		cpu += s.perSecond * float64(s.cpu)
	}
	if all.perSecond > 0 {
		all.cpu = time.Duration(cpu / all.perSecond)
	}
	return all, errors.Join(errs...)
}
