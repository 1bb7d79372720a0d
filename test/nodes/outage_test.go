package nodes

import (
	"context"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/pgtest"
	"github.com/souk-market/souk/test/process"
)

// A database that says nothing any more: what a node knows, it goes on saying for as long as the promise allows, and not longer. Nothing is acknowledged that
// is not kept, and when the database is back so are the nodes, by themselves.
func TestADatabaseThatHangs(t *testing.T) {
	server, err := pgtest.Start(pgtest.Config{})
	if err != nil {
		pgtest.Missing(t, err)
	}
	defer server.Stop()
	c := start(t, server, 2)
	patient := c.add("--max-staleness", "0")
	token := c.buy(0, analytics, anyCompany).RegistrationToken
	resolve := func(s *process.Souk) (answer, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return call(ctx, s, sellerKey, "ResolveCustomer", map[string]string{"RegistrationToken": token})
	}
	for _, s := range c.nodes {
		s := s
		c.within("the token resolves", func() bool { a, err := resolve(s); return err == nil && a.Code == "" })
	}
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	thawed := false
	thaw := func() {
		if !thawed {
			if err := server.Thaw(); err != nil {
				t.Error(err)
			}
		}
		thawed = true
	}
	defer thaw()

	time.Sleep(promise + 100*time.Millisecond)
	for i, s := range c.nodes[:2] {
		if a, err := resolve(s); err != nil || a.Status != http.StatusServiceUnavailable || a.Code != "ServiceUnavailable" {
			t.Errorf("node %d, which cannot know what others changed: %+v, %v", i, a, err)
		}
	}
	// The same, asked with leave to be stale: not one statement is needed.
	for range 200 {
		if a, err := resolve(patient); err != nil || a.Code != "" {
			t.Fatalf("a warm node needs the database to resolve a token: %+v, %v", a, err)
		}
	}
	late := make(chan answer, 1)
	go func() {
		a, err := call(t.Context(), patient, sellerKey, "BatchMeterUsage", batch(anyCompany, "queries", time.Now(), 7))
		if err != nil {
			t.Error(err)
		}
		late <- a
	}()
	select {
	case a := <-late:
		if a.Status < 500 {
			t.Errorf("usage was acknowledged by a node without a database: %+v", a)
		}
	case <-time.After(500 * time.Millisecond):
	}
	thaw()
	for i := range c.nodes {
		c.within("node answers again", func() bool { return c.resolve(i, sellerKey, token) == "" })
		c.within("and meters", func() bool {
			a := c.call(i, sellerKey, "BatchMeterUsage", batch(anyCompany, "queries", time.Now(), 7))
			return a.Status == http.StatusOK && status(t, a) == "Success"
		})
	}
}

// Nodes come and go. The others do not notice.
func TestNodesThatAreKilled(t *testing.T) {
	c := start(t, pgtest.Shared(t), 2)
	token := c.buy(0, analytics, anyCompany).RegistrationToken
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		victim, err := process.Start(ctx, "serve", "--store", c.url)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if a, err := call(t.Context(), victim, sellerKey, "ResolveCustomer", map[string]string{"RegistrationToken": token}); err != nil || a.Code != "" {
			t.Errorf("a node that has just come up: %+v, %v", a, err)
		}
		done := make(chan struct{})
		go func() { // it is killed in the middle of something
			defer close(done)
			for {
				if _, err := call(t.Context(), victim, sellerKey, "BatchMeterUsage", batch(anyCompany, "queries", time.Now(), 7)); err != nil {
					return
				}
			}
		}()
		time.Sleep(30 * time.Millisecond)
		if err := victim.Cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-done
		for node := range c.nodes {
			if code := c.resolve(node, sellerKey, token); code != "" {
				t.Errorf("node %d: %s", node, code)
			}
			if s := status(t, c.call(node, sellerKey, "BatchMeterUsage", batch(anyCompany, "queries", time.Now(), 7))); s != "Success" {
				t.Errorf("node %d: %s", node, s)
			}
		}
	}
}
