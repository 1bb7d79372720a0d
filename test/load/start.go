package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/souk-market/souk/test/process"
)

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
	defer os.RemoveAll(s.dir)
	p, err := s.process.Buy(ctx, resolved)
	if stopped := s.process.Stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return out, err
	}
	body := []byte(`{"RegistrationToken":"` + p.RegistrationToken + `"}`)
	var firsts, sizes []float64
	for range n {
		begin := time.Now()
		again, err := process.Start(ctx, "serve", "--data", s.dir)
		if err != nil {
			return out, err
		}
		host := strings.TrimPrefix(again.Endpoint, "http://")
		if _, err := (&server{host: host}).try(appendRequest(nil, resolveCustomer, host, body, 0, time.Now())); err != nil {
			_ = again.Stop()
			return out, fmt.Errorf("first token after the start: %w", err)
		}
		firsts = append(firsts, float64(time.Since(begin)))
		time.Sleep(300 * time.Millisecond) // idle means that the start is over
		sizes = append(sizes, float64(resident(again.Cmd.Process.Pid)))
		if err := again.Stop(); err != nil {
			return out, err
		}
	}
	return starts{time.Duration(median(firsts)), int64(median(sizes))}, nil
}
