package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
)

// bounded is a Souk that bounds what it lets in.
func bounded(t testing.TB, maxWait time.Duration) *souk {
	t.Helper()
	return start(t, func(c *Config, _ *market.Config) { c.MaxWait = maxWait })
}

// occupy takes all turns of an operation until the function that it returns is called.
func (s *souk) occupy(name string) (release func()) {
	s.t.Helper()
	for op, l := range s.admission.turns {
		if op.name == name {
			l.mu.Lock()
			l.free -= turns
			l.mu.Unlock()
			return sync.OnceFunc(func() {
				for range turns {
					l.leave()
				}
			})
		}
	}
	s.t.Fatalf("there is no operation %s", name)
	return nil
}

// makeLate has the probe say that a request waits for so long.
func (s *souk) makeLate(wait time.Duration) {
	p := &s.admission.probe
	p.running.Store(true)
	p.arrived.Store(int64(time.Hour)) // no byte is sent
	p.took.Store(int64(wait))
	p.before.Store(int64(wait))
}

// A call that finds all turns of its operation taken waits, no longer than it may, and is then refused as AWS throttles, in either protocol, before its
// signature is looked at. Nobody who calls another operation notices.
func TestTurns(t *testing.T) {
	const maxWait = 200 * time.Millisecond
	s := bounded(t, maxWait)
	p := s.buy(legacyCode)
	release := s.occupy("ResolveCustomer")
	defer release()

	begin := time.Now()
	a := s.do(s.request(p.Token)) // not signed
	want(t, a, 400, "ThrottlingException", "Rate exceeded")
	if took := time.Since(begin); took < maxWait {
		t.Errorf("refused after %s, before its time was over", took)
	}
	v := s.record(a.header.Get("x-amzn-RequestId"))
	if v.Operation != "ResolveCustomer" || v.ErrorCode != "ThrottlingException" || !strings.Contains(v.Reason, "shed: waited for 200ms while 512 calls") {
		t.Errorf("record %+v", v)
	}
	if got := s.Load().Shed; got != [causes]uint64{NoTurn: 1} {
		t.Errorf("shed %v", got)
	}

	begin = time.Now()
	a = s.do(sign(s.operationRequest(awsproto.CBOR, "GetEntitlements", encode(awsproto.CBOR, m{"ProductCode": legacyCode})), rootKey, "us-east-1", time.Now()))
	if took := time.Since(begin); a.status != 200 || took > maxWait {
		t.Errorf("another operation: %d %q after %s", a.status, a.body, took)
	}

	time.AfterFunc(maxWait/4, release)
	if a = s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())); a.status != 200 {
		t.Errorf("when turns are free again: %d %s", a.status, a.body)
	}
}

// Who has waited in vain and comes again at once, on the same connection, waits longer before it is refused again.
func TestPatienceGrows(t *testing.T) {
	const maxWait = 100 * time.Millisecond
	s := bounded(t, maxWait)
	defer s.occupy("ResolveCustomer")()
	own := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer own.CloseIdleConnections()
	for i, least := range []time.Duration{maxWait, 2 * maxWait, 2 * maxWait} {
		begin := time.Now()
		res, err := own.Do(s.request("x"))
		if err != nil {
			t.Fatal(err)
		}
		want(t, s.read(res), 400, "ThrottlingException", "Rate exceeded")
		if took := time.Since(begin); took < least || i == 0 && took > 2*maxWait {
			t.Errorf("request %d was refused after %s, want %s", i+1, took, least)
		}
	}
}

// In CBOR a refusal is CBOR, of the service's own namespace: SDKs cannot read another.
func TestRefusalInCBOR(t *testing.T) {
	s := bounded(t, time.Millisecond)
	defer s.occupy("GetEntitlements")()
	a := s.do(s.operationRequest(awsproto.CBOR, "GetEntitlements", encode(awsproto.CBOR, m{"ProductCode": legacyCode})))
	if a.status != 400 || !strings.Contains(a.body, "com.amazonaws.marketplaceentitlementservice#ThrottlingException") {
		t.Errorf("answered %d %q", a.status, a.body)
	}
}

// Turns come back however a call ends, and are not held by a call that a fault rule holds.
func TestTurnsComeBack(t *testing.T) {
	s := bounded(t, 50*time.Millisecond)
	p := s.buy(legacyCode)
	free := func() int {
		for op, l := range s.admission.turns {
			if op.name == "ResolveCustomer" {
				l.mu.Lock()
				defer l.mu.Unlock()
				return l.free
			}
		}
		return -1
	}
	for _, r := range []*http.Request{
		s.request(p.Token), sign(s.request(p.Token), sellerKey, "us-east-1", time.Now()), sign(s.request("x"), sellerKey, "us-east-1", time.Now()),
		sign(s.request(p.Token), deniedKey, "us-east-1", time.Now()),
	} {
		s.record(s.do(r).header.Get("x-amzn-RequestId"))
		if n := free(); n != turns {
			t.Errorf("%d turns are free, want %d", n, turns)
		}
	}
	if _, err := s.Faults.Add(fault.Rule{Delay: 10 * time.Second}); err != nil {
		t.Fatal(err)
	}
	ctx, hangUp := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := client.Do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now()).WithContext(ctx))
		done <- err
	}()
	time.Sleep(100 * time.Millisecond)
	if n := free(); n != turns {
		t.Errorf("a call that a rule holds has a turn: %d are free", n)
	}
	hangUp()
	<-done
}

// A client that hangs up leaves the line.
func TestHangUpInLine(t *testing.T) {
	s := bounded(t, 10*time.Second)
	defer s.occupy("ResolveCustomer")()
	ctx, hangUp := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, hangUp)
	_, _ = client.Do(s.request("x").WithContext(ctx))
	for end := time.Now().Add(5 * time.Second); s.Load().Waiting > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it still waits")
		}
	}
	if v := s.last(); v.ErrorCode != "RequestAbortedException" {
		t.Errorf("record %+v", v)
	}
}

// While requests come late, the share of them that is too much is refused, before their bodies have arrived; nothing is read from their connections for a
// while; and with the first byte that is in time it is over.
func TestLate(t *testing.T) {
	const maxWait = 100 * time.Millisecond
	s := bounded(t, maxWait)
	p := s.buy(legacyCode)
	s.makeLate(1 << 62)
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var text bytes.Buffer
	if err := sign(s.request(p.Token), sellerKey, "us-east-1", time.Now()).Write(&text); err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	var answers [2]time.Duration
	begin := time.Now()
	for i := range answers {
		if _, err := c.Write(text.Bytes()); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		n, err := c.Read(buf)
		if err != nil || !bytes.HasPrefix(buf[:n], []byte("HTTP/1.1 400")) || !bytes.Contains(buf[:n], []byte("ThrottlingException")) {
			t.Fatalf("answered %q, %v", buf[:n], err)
		}
		answers[i] = time.Since(begin)
	}
	if answers[1] < maxWait {
		t.Errorf("the second request was read %s after the first, want not before %s", answers[1]-answers[0], maxWait)
	}
	if v := s.last(); v.Operation != "ResolveCustomer" || !strings.Contains(v.Reason, "shed: requests come late by more than 50ms") || v.BodySize != 0 {
		t.Errorf("record %+v", v)
	}
	if got := s.Load().Shed; got != [causes]uint64{NoProcessor: 2} {
		t.Errorf("shed %v", got)
	}

	s.admission.probe.took.Store(int64(s.admission.probe.target))
	if a := s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())); a.status != 200 {
		t.Errorf("when it is over: %d %s", a.status, a.body)
	}
}

// Half of the requests are refused where they wait for twice as long as they should.
func TestExcess(t *testing.T) {
	ms := func(n int64) int64 { return n * int64(time.Millisecond) }
	for name, tt := range map[string]struct {
		took, before, out int64 // ms; out: for how long a byte has been on its way
		want              float64
	}{
		"in time":                      {1, 1, 0, 0},
		"at the limit":                 {100, 100, 0, 0},
		"twice as late":                {200, 300, 0, .5},
		"four times":                   {400, 400, 0, .75},
		"once only":                    {400, 1, 0, 0},
		"before only":                  {1, 400, 0, 0},
		"once, and the next is late":   {400, 1, 200, .5},
		"once, and the next is not":    {400, 1, 50, 0},
		"the first that is on its way": {1, 1, 5000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := probe{target: 100 * time.Millisecond, start: time.Now().Add(-time.Hour)}
			p.running.Store(true)
			p.arrived.Store(int64(2 * time.Hour))
			p.took.Store(ms(tt.took))
			p.before.Store(ms(tt.before))
			if tt.out > 0 {
				p.out.Store(int64(time.Since(p.start)) - ms(tt.out))
			}
			if got := p.excess(); got < tt.want-.02 || got > tt.want+.02 {
				t.Errorf("%.2f, want %.2f", got, tt.want)
			}
		})
	}
}

// The probe measures, and where nothing waits it measures little.
func TestProbeMeasures(t *testing.T) {
	p := probe{target: time.Hour, start: time.Now()}
	if err := p.open(); err != nil {
		t.Fatal(err)
	}
	defer p.close()
	took := func() time.Duration {
		t.Helper()
		was := p.arrived.Load()
		time.Sleep(2 * probeInterval)
		p.excess()
		for end := time.Now().Add(20 * time.Second); p.arrived.Load() == was; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no byte arrives")
			}
		}
		return time.Duration(p.took.Load())
	}
	quiet := took()
	for range 20 { // other work on this machine makes it longer, never shorter
		quiet = min(quiet, took())
	}
	if quiet <= 0 || quiet > 100*time.Millisecond {
		t.Errorf("with nothing to do a byte takes %s", quiet)
	}
}

// Lines go by arrival while nobody waits long, and the newest first once somebody does. No turn is lost.
func TestLineOrder(t *testing.T) {
	for name, tt := range map[string]struct {
		before time.Duration
		want   string
	}{"short": {0, "[0 1 2 3]"}, "long": {600 * time.Millisecond, "[3 2 1 0]"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &line{patience: time.Second}
				var mu sync.Mutex
				var order []int
				for i := range 4 {
					go func() {
						if got := l.wait(t.Context(), new(waiter), time.Second); got == inTurn {
							mu.Lock()
							defer mu.Unlock()
							order = append(order, i)
						}
					}()
					synctest.Wait()
				}
				time.Sleep(tt.before)
				for range 4 {
					l.leave()
					synctest.Wait()
				}
				if got := fmt.Sprint(order); got != tt.want {
					t.Errorf("in the order %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// However waits end, each turn is with one call or free, and nobody waits longer than patience.
func TestLineKeepsItsTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const places = 3
		l := &line{free: places, patience: 10 * time.Millisecond}
		var mu sync.Mutex
		under, outcomes := 0, map[admitted]int{}
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				var w waiter // used again and again, as a call does
				for n := range 20 {
					ctx, cancel := context.WithCancel(t.Context())
					if (i+n)%7 == 0 {
						time.AfterFunc(time.Duration(n)*time.Millisecond, cancel)
					}
					begin := time.Now()
					got := inTurn
					if !l.take() {
						got = l.wait(ctx, &w, l.patience)
					}
					if took := time.Since(begin); took > l.patience {
						t.Errorf("waited %s", took)
					}
					mu.Lock()
					outcomes[got]++
					if got == inTurn {
						if under++; under > places {
							t.Errorf("%d have a turn", under)
						}
					}
					mu.Unlock()
					if got == inTurn {
						time.Sleep(time.Duration(1+(i*n)%5) * time.Millisecond)
						mu.Lock()
						under--
						mu.Unlock()
						l.leave()
					}
					cancel()
				}
			})
		}
		wg.Wait()
		if l.free != places || l.waiting != 0 || l.oldest != nil || l.newest != nil {
			t.Errorf("left behind: %d turns free, %d waiting", l.free, l.waiting)
		}
		for _, o := range []admitted{inTurn, tooLong, hungUp} {
			if outcomes[o] == 0 {
				t.Errorf("outcome %d never came: %v", o, outcomes)
			}
		}
	})
}

// What large bodies take is bounded. Small ones are let in all the same, and what was taken is given back.
func TestBodies(t *testing.T) {
	s := bounded(t, time.Second)
	budget := &s.admission.bodies
	budget.left.Store(100 << 10)
	p := s.buy(legacyCode)
	large := func(n int) *http.Request {
		return s.requestBody(append([]byte(`{"RegistrationToken":"`), append(bytes.Repeat([]byte("x"), n), `"}`...)...))
	}
	for _, chunked := range []bool{false, true} {
		r := large(200 << 10)
		if chunked {
			r.ContentLength = -1
		}
		a := s.do(r)
		want(t, a, 400, "ThrottlingException", "Rate exceeded")
		if v := s.record(a.header.Get("x-amzn-RequestId")); !strings.Contains(v.Reason, "shed: the bodies of other requests") {
			t.Errorf("record %+v", v)
		}
		if left := budget.left.Load(); left != 100<<10 {
			t.Errorf("%d bytes are left, want all", left)
		}
	}
	if a := s.do(large(80 << 10)); a.code() != "MissingAuthenticationTokenException" {
		t.Errorf("a body that finds room: %d %s", a.status, a.body)
	}
	budget.left.Store(0)
	if a := s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())); a.status != 200 {
		t.Errorf("a small body: %d %s", a.status, a.body)
	}
	if a := s.do(large(smallBody - 100)); a.code() != "MissingAuthenticationTokenException" {
		t.Errorf("a body just as large as is free: %d %s", a.status, a.body)
	}
}

// A client that announces a megabyte and sends none takes no megabyte.
func TestAnnouncedBodies(t *testing.T) {
	s := bounded(t, time.Second)
	for range 200 {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond)
	if l := s.Load(); l.Connections != 200 || l.Bodies != 0 {
		t.Errorf("%d connections take %d bytes", l.Connections, l.Bodies)
	}
}

// BenchmarkResolveCustomerBounded is BenchmarkResolveCustomer with all bounds on.
func BenchmarkResolveCustomerBounded(b *testing.B) {
	s := bounded(b, 500*time.Millisecond)
	benchmark(b, s, sign(s.request(s.buy(legacyCode).Token), sellerKey, "us-east-1", time.Now()))
}
