package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

// checkCmd is `souk check`.
type checkCmd struct {
	remote
	Data  string `type:"path" xor:"store" placeholder:"DIR" help:"Check the store in this directory, which no Souk may have open, instead of asking the running one."`
	Store string `xor:"store" placeholder:"URL" help:"Check this PostgreSQL database, whether or not nodes serve it, instead of asking a running one."`
	storeKey
}

func (checkCmd) Help() string {
	return `Derives again every rule that the stored state must keep: accounts, policies, products, offers, customers, agreements and their history,
licenses, entitlements, every usage record, keys. Prints how much there was to check, and one line a finding; the exit status is 0 only if there
is none. Without --data the running Souk checks itself.

    souk check
    souk check --data /var/lib/souk

With --json: {"problems": [{"path", "line", "reason"}], "checked": {...}}. A store that an older Souk wrote is brought up to this one's schema first.`
}

func (c *checkCmd) Run(a *app) error {
	done := a.working("checking")
	report, err := c.report(a)
	done()
	if err != nil {
		return err
	}
	if c.JSON {
		report.Problems = append([]market.Problem{}, report.Problems...)
		err = printJSON(a.stdout, report)
	} else {
		err = printReport(a, report)
	}
	if err == nil && len(report.Problems) > 0 {
		err = failed{exitFailed}
	}
	return err
}

func printReport(a *app, r admin.CheckReport) error {
	_, err := fmt.Fprintf(a.stdout, "checked %s, %s, %s, %s, %s\n", counted(r.Checked.Accounts, "account"), counted(r.Checked.Products, "product"),
		counted(r.Checked.Customers, "customer"), counted(r.Checked.Agreements, "agreement"), counted(int(r.Checked.UsageRecords), "usage record"))
	if err == nil && len(r.Problems) == 0 {
		_, err = fmt.Fprintln(a.stdout, "sound: every rule holds")
	}
	for _, p := range r.Problems {
		if err == nil {
			_, err = fmt.Fprintln(a.stdout, oneLine(p.String()))
		}
	}
	return err
}

func (c *checkCmd) report(a *app) (admin.CheckReport, error) {
	from := storeFlags{Data: c.Data, Store: c.Store, storeKey: c.storeKey}
	if !from.given() {
		client, err := c.client(a)
		if err != nil {
			return admin.CheckReport{}, err
		}
		return client.Check(a.ctx)
	}
	if err := from.check(); err != nil {
		return admin.CheckReport{}, err
	}
	store, err := from.open(a.ctx, a.getenv, false, nil)
	switch {
	case errors.Is(err, sqlstore.ErrNotInitialized):
		return admin.CheckReport{}, fmt.Errorf("there is no store in %s", &from)
	case errors.Is(err, sqlstore.ErrLocked):
		return admin.CheckReport{}, fmt.Errorf("the store in %s is open elsewhere\nhint: ask the Souk that has it open: leave --data out", c.Data)
	case err != nil:
		return admin.CheckReport{}, from.explain(err)
	}
	report, err := checkStore(a.ctx, store)
	return report, errors.Join(err, store.Close())
}

// checkStore checks a store that no Souk has open: its directory may not even compile.
func checkStore(ctx context.Context, store market.Store) (r admin.CheckReport, err error) {
	err = store.View(ctx, func(tx market.Tx) error {
		if r.Problems, err = market.CheckTx(tx); err != nil {
			return err
		}
		dir, err := tx.Directory()
		if err != nil {
			return err
		}
		products, err := tx.Products()
		if err != nil {
			return err
		}
		customers, err := tx.Customers()
		if err != nil {
			return err
		}
		agreements, err := tx.Agreements(market.AgreementFilter{})
		if err != nil {
			return err
		}
		r.Checked = admin.Checked{Accounts: len(dir.Accounts), Products: len(products), Customers: len(customers), Agreements: len(agreements)}
		r.Checked.UsageRecords, err = tx.CountUsage(market.UsageFilter{})
		return err
	})
	return r, err
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
