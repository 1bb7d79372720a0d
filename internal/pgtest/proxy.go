package pgtest

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between clients and a server, and does to their connections what networks do.
type Proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	open  map[*link]bool // false: one side has gone, and the other does not know
	delay time.Duration
	loses []byte // see Lose
	lost  int
	mute  bool
}

// link is a connection, both of its sides.
type link struct {
	client, server net.Conn
	forgotten      bool // see Mute
}

func (l *link) close() {
	l.client.Close()
	l.server.Close()
}

// silence is how long the one side of a forgotten connection does not hear that the other has gone: less than keepalives take to find out.
const silence = 30 * time.Second

func (p *Proxy) drop(l *link) {
	l.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, l)
}

// Proxy makes one, which ends with the test.
func (s *Server) Proxy(t testing.TB) *Proxy {
	t.Helper()
	p, err := s.OpenProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// OpenProxy is Proxy for who has no test. The caller must Close it.
func (s *Server) OpenProxy() (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, server: fmt.Sprintf("127.0.0.1:%d", s.Port), open: map[*link]bool{}}
	go p.run()
	return p, nil
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	p.listener.Close()
	p.Cut()
}

// URL is where a database of the server is, by way of the proxy.
func (p *Proxy) URL(database string) string {
	return fmt.Sprintf("postgres://souk@%s/%s?sslmode=disable", p.listener.Addr(), database)
}

func (p *Proxy) run() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			client.Close()
			continue
		}
		link := &link{client: client, server: server}
		p.mu.Lock()
		link.forgotten = p.mute
		p.open[link] = true
		p.mu.Unlock()
		done := func(ended net.Conn) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if link.forgotten && p.open[link] { // the other side is not told, which does not last for ever either
				p.open[link] = false
				ended.Close()
				time.AfterFunc(silence, func() { p.drop(link) })
				return
			}
			link.close()
			delete(p.open, link)
		}
		var losing sync.Mutex // held from when an answer is to be lost
		go func() {
			defer done(client)
			p.copy(link, server, client, func(b []byte) bool {
				p.mu.Lock()
				defer p.mu.Unlock()
				if len(p.loses) == 0 || !bytes.Contains(b, p.loses) {
					return false
				}
				losing.Lock()
				p.lost++
				return true
			})
		}()
		go func() {
			defer done(server)
			p.copy(link, client, server, func([]byte) bool {
				losing.Lock() // it is not free again once an answer is to be lost
				defer losing.Unlock()
				return false
			})
		}()
	}
}

// copy copies until either side ends. When last says so of what was read, that is still brought across, and a moment later the connection is cut.
func (p *Proxy) copy(l *link, to, from net.Conn, last func([]byte) bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		delay := p.delay
		p.mu.Unlock()
		time.Sleep(delay)
		p.mu.Lock()
		forgotten := l.forgotten
		p.mu.Unlock()
		if forgotten {
			continue
		}
		ends := last(buf[:n])
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
		if ends {
			time.Sleep(50 * time.Millisecond) // the server does it
			return
		}
	}
}

// Cut closes all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.open {
		l.close()
	}
}

// Delay holds up every packet, in both directions.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Mute drops every packet until it is false again, as a firewall does that was restarted and has forgotten its connections: those that there are when it begins,
// or that are made meanwhile, stay silent, and neither side is told when the other goes.
func (p *Proxy) Mute(mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = mute
	if mute {
		for l := range p.open {
			l.forgotten = true
		}
	}
}

// Lose has the server do what a client asks that has pattern in it, and cuts the connection in place of the answer; "" ends that. It answers how often that
// happened since the last time.
func (p *Proxy) Lose(pattern string) (lost int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lost, p.lost, p.loses = p.lost, 0, []byte(pattern)
	return lost
}

// Lost is how often Lose has happened so far.
func (p *Proxy) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}
