package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

// checkCmd is `souk check`.
type checkCmd struct {
	remote
	Data string `type:"path" placeholder:"DIR" help:"Check the store in this directory, which no Souk may have open, instead of asking the running one."`
}

func (checkCmd) Help() string {
	return `Derives again every rule that the stored state must keep: accounts, policies, products, offers, customers, agreements, licenses, keys. Prints
one line a finding; the exit status is 0 only if there is none. Without --data the running Souk checks itself.

    souk check
    souk check --data /var/lib/souk

With --json: {"problems": [{"path", "line", "reason"}]}. A store that an older Souk wrote is brought up to this one's schema first.`
}

func (c *checkCmd) Run(a *app) error {
	done := a.working("checking")
	problems, err := c.problems(a)
	done()
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(a.stdout, map[string]any{"problems": append([]market.Problem{}, problems...)})
	} else if len(problems) == 0 {
		_, err = fmt.Fprintln(a.stdout, "sound: every rule holds")
	}
	for _, p := range problems {
		if err == nil && !c.JSON {
			_, err = fmt.Fprintln(a.stdout, oneLine(p.String()))
		}
	}
	if err == nil && len(problems) > 0 {
		err = failed{exitFailed}
	}
	return err
}

func (c *checkCmd) problems(a *app) ([]market.Problem, error) {
	if c.Data == "" {
		client, err := c.client(a)
		if err != nil {
			return nil, err
		}
		return client.Check(a.ctx)
	}
	store, err := sqlstore.Open(a.ctx, sqlstore.Config{Path: filepath.Join(c.Data, "souk.db")})
	switch {
	case errors.Is(err, sqlstore.ErrNotInitialized):
		return nil, fmt.Errorf("there is no store in %s", c.Data)
	case errors.Is(err, sqlstore.ErrLocked):
		return nil, fmt.Errorf("the store in %s is open elsewhere\nhint: ask the Souk that has it open: leave --data out", c.Data)
	case err != nil:
		return nil, err
	}
	problems, err := market.CheckStore(a.ctx, store)
	return problems, errors.Join(err, store.Close())
}

// working says on a terminal, from the second second on, what takes so long. The caller calls what it returns when that is over.
func (a *app) working(what string) (done func()) {
	if !terminal(a.stderr, a.getenv) {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for seconds := 1; ; seconds++ {
			select {
			case <-tick.C:
				fmt.Fprintf(a.stderr, "\r%s … %d s", what, seconds)
			case <-stop:
				if seconds > 1 {
					fmt.Fprint(a.stderr, "\r\x1b[K")
				}
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}
