package attack

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// slowClients keep connections as long as they may: half a minute over a request, whatever they have sent of it, and ten seconds over the headers of one to the
// control listener.
func slowClients(t *testing.T, s *siege) {
	const guard = "internal/api/conn.go:expire"
	f := call(s.dev, victim, "BatchMeterUsage", noUsage).sign()
	large := *f
	large.framing = "Content-Length: 1000"
	head := large.head()
	type client struct {
		name, address, sent string
		most                time.Duration
		status              int // of the answer; 0: the connection ends without one
	}
	var clients []client
	for range 50 {
		clients = append(clients,
			client{"half of a head", s.dev.address(), head[:len(head)/2], 45 * time.Second, 0},
			client{"a head and no body", s.dev.address(), head, 45 * time.Second, http.StatusRequestTimeout},
			client{"half of a head to the control listener", s.dev.gate(), "GET / HTTP/1.1\r\nHost: x\r\nX: ", 25 * time.Second, 0})
	}
	start := time.Now()
	var wg sync.WaitGroup
	for _, k := range clients {
		wg.Go(func() {
			c, err := net.Dial("tcp", k.address)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			drip := time.NewTicker(time.Second)
			defer drip.Stop()
			gone := make(chan answer, 1)
			if _, err := io.WriteString(c, k.sent); err != nil {
				t.Error(err)
			}
			go func() {
				a, _ := readAnswer(bufio.NewReader(c))
				gone <- a
			}()
			for {
				select {
				case a := <-gone:
					if a.status != k.status && !(k.status == 0 && a.status == http.StatusRequestTimeout) {
						t.Errorf("%s: %s, want %d\nguard: %s", k.name, a, k.status, guard)
					}
					return
				case <-drip.C:
					if time.Since(start) > k.most {
						t.Errorf("%s keeps its connection after %s\nguard: %s", k.name, time.Since(start), guard)
						return
					}
					_, _ = io.WriteString(c, " ") // it never is idle
				}
			}
		})
	}
	// Meanwhile everybody else is served at once.
	for range 20 {
		asked := time.Now()
		accepted(t, f.send(t, s.dev))
		if took := time.Since(asked); took > mostTime {
			t.Errorf("an honest request took %s beside %d slow ones", took, len(clients))
		}
		time.Sleep(time.Second / 2)
	}
	wg.Wait()
}
