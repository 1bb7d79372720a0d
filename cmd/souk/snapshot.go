package main

import (
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/admin"
)

// snapshotHelp is what there is to know of all four commands.
const snapshotHelp = `A snapshot has all of the market (accounts, keys, products, agreements, tokens, usage) and its clock, which goes back with it; a running clock keeps
its distance from the wall's. Faults end when one is restored. The log of requests stays.

Registration tokens from before a snapshot open after it is restored; those that were minted since do not. With --data snapshots are files beside
the store, and stay when Souk ends; otherwise they are in memory. A PostgreSQL takes none.`

// snapshotCmd is `souk snapshot`.
type snapshotCmd struct {
	remote
	Name string `arg:"" help:"What to call it: 1 to 64 characters of A-Z, a-z, 0-9 and . _ -; one of that name is replaced."`
	Drop bool   `help:"Drop the snapshot of that name instead."`
}

func (snapshotCmd) Help() string {
	return `Keeps the marketplace as it is, to come back to.

    souk snapshot two-buyers
    souk restore two-buyers      before each test
    souk snapshot --drop two-buyers

` + snapshotHelp
}

func (c *snapshotCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	if c.Drop {
		if err := client.DropSnapshot(a.ctx, c.Name); err != nil {
			return err
		}
		if c.JSON {
			return printJSON(a.stdout, map[string]string{"dropped": c.Name})
		}
		fmt.Fprintf(a.stdout, "dropped %s\n", c.Name)
		return nil
	}
	s, err := client.TakeSnapshot(a.ctx, c.Name)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, s)
	}
	fmt.Fprintf(a.stdout, "snapshot %s taken\n", s.Name)
	return nil
}

// restoreCmd is `souk restore`.
type restoreCmd struct {
	remote
	Name string `arg:"" help:"The snapshot's name, as 'souk snapshots' lists it."`
}

func (restoreCmd) Help() string {
	return `Makes the marketplace what it was when a snapshot was taken. What was done since is gone. It takes milliseconds, and calls that are under way
are answered as of before or after.

    souk restore two-buyers

` + snapshotHelp
}

func (c *restoreCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	s, err := client.RestoreSnapshot(a.ctx, c.Name)
	if err != nil {
		return err
	}
	return c.printRestored(a, c.Name, s)
}

// resetCmd is `souk reset`.
type resetCmd struct{ remote }

func (resetCmd) Help() string {
	return `Makes the marketplace what it was when Souk started: 'souk restore start'. All registration tokens and sessions end.

    souk reset

` + snapshotHelp
}

func (c *resetCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	s, err := client.Reset(a.ctx)
	if err != nil {
		return err
	}
	return c.printRestored(a, "start", s)
}

// printRestored says what the market is now.
func (r remote) printRestored(a *app, name string, s admin.ClockState) error {
	if r.JSON {
		return printJSON(a.stdout, s)
	}
	fmt.Fprintf(a.stdout, "restored %s\n", name)
	return r.printClock(a, s)
}

// snapshotsCmd is `souk snapshots`.
type snapshotsCmd struct{ remote }

func (snapshotsCmd) Help() string {
	return `Lists the snapshots: "start", which takes itself when Souk starts, and those of 'souk snapshot'.

    souk snapshots

` + snapshotHelp
}

func (c *snapshotsCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	list, err := client.Snapshots(a.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, map[string][]admin.Snapshot{"snapshots": list})
	}
	rows := [][]string{{"SNAPSHOT", "TAKEN", "KB"}}
	for _, s := range list {
		rows = append(rows, []string{cell(s.Name), stamp(s.TakenAt.Truncate(time.Second)), fmt.Sprint((s.Bytes + 1023) / 1024)})
	}
	return table(a.stdout, rows)
}
