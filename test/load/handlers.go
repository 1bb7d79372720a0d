package main

import (
	"context"
	"fmt"
)

// comparison is Souk beside its yardstick.
type comparison struct {
	name        string
	connections int
	bare, souk  []sample // round by round
}

// contender is a server in a comparison with the bare handler.
type contender struct {
	name     string
	server   *server
	requests [][]byte // sent again and again
}

func (c *contender) load(connections int) load {
	return load{server: c.server, connections: connections, next: func(conn, n int) []byte {
		return c.requests[(conn*7+n)%len(c.requests)]
	}}
}

// beside measures contenders beside a bare handler with answers of that size, alternating, first the bare one in each round. It is sent the first one's
// requests.
func (b *bench) beside(ctx context.Context, connections []int, size int, contenders ...contender) ([]comparison, error) {
	bare, err := startBare(ctx, size)
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	all := append([]contender{{"bare net/http handler", bare, contenders[0].requests}}, contenders...)
	var out []comparison
	for _, n := range connections {
		samples := make([][]sample, len(all))
		for round := -1; round < b.rounds; round++ {
			for i := range all {
				l := all[i].load(n)
				if l.length = b.duration; round < 0 { // warm up: caches, heap, connections of the kernel
					l.length /= 4
				}
				s, err := measure(ctx, l)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", all[i].name, err)
				}
				if round < 0 {
					continue
				}
				samples[i] = append(samples[i], s)
				b.say("%d connections, round %d of %d: %s: %.0f/s", n, round+1, b.rounds, all[i].name, s.perSecond)
			}
		}
		for i, c := range contenders {
			out = append(out, comparison{name: c.name, connections: n, bare: samples[0], souk: samples[i+1]})
		}
	}
	return out, nil
}

// resolve measures ResolveCustomer, on two servers: with and without an access log.
func (b *bench) resolve(ctx context.Context) ([]comparison, error) {
	var contenders []contender
	size := 0
	for _, name := range []string{"ResolveCustomer", "ResolveCustomer, access log to a file"} {
		var args []string
		if len(contenders) > 0 {
			args = []string{"--access-log", b.souk.dir + "/access.log"}
		}
		s := b.souk
		if len(args) > 0 {
			var err error
			if s, err = startSouk(ctx, args...); err != nil {
				return nil, err
			}
			defer s.stop()
		}
		const tokens = 512
		bodies := make([][]byte, tokens)
		for i := range bodies {
			p, err := s.process.Buy(ctx, resolved)
			if err != nil {
				return nil, err
			}
			bodies[i] = []byte(`{"RegistrationToken":"` + p.RegistrationToken + `"}`)
		}
		requests := requestsFor(resolveCustomer, s.host, tokens, func(i int) []byte { return bodies[i] })
		answer, err := s.try(requests[0])
		if err != nil {
			return nil, err
		}
		size = len(answer)
		contenders = append(contenders, contender{name, &s.server, requests})
	}
	return b.beside(ctx, b.connections, size, contenders...)
}

// entitlements measures GetEntitlements of all that one customer is entitled to, which fills a page, in both protocols.
func (b *bench) entitlements(ctx context.Context) (out []comparison, err error) {
	if err := b.souk.addHolders(ctx); err != nil {
		return nil, err
	}
	for _, v := range []struct {
		name string
		kind kind
		body func(account string) []byte
	}{
		{"JSON", getEntitlements, entitlementsJSON},
		{"CBOR", getEntitlementsRPC, entitlementsCBOR},
	} {
		requests := requestsFor(v.kind, b.souk.host, 2*holders, func(i int) []byte { return v.body(holder(i % holders)) })
		answer, err := b.souk.try(requests[0])
		if err != nil {
			return nil, err
		}
		if n := countOf(answer, "dimension_"); n != entitlements {
			return nil, fmt.Errorf("GetEntitlements answers %d entitlements, not %d: %q", n, entitlements, answer)
		}
		name := fmt.Sprintf("GetEntitlements, %d of one customer, %s (%d bytes)", entitlements, v.name, len(answer))
		c, err := b.beside(ctx, []int{batchConnections}, len(answer), contender{name, &b.souk.server, requests})
		if err != nil {
			return nil, err
		}
		out = append(out, c...)
	}
	return out, nil
}
