package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/transfer"
)

// copyCmd is `souk copy`.
type copyCmd struct {
	From         string `required:"" placeholder:"DIR|URL" help:"The store to copy: the directory that has it, or postgres://USER:PASSWORD@HOST/DATABASE. It is only read; an older version's is brought up to date first."`
	To           string `required:"" placeholder:"DIR|URL" help:"Where to: a store that 'souk init' made and nobody has used, or the part of a copy that was cut short."`
	FromKeyFile  string `env:"SOUK_FROM_KEY_FILE" placeholder:"FILE" help:"The key that the secrets in --from are sealed under. If left out: SOUK_STORE_KEY, or souk.key in its directory."`
	ToKeyFile    string `env:"SOUK_TO_KEY_FILE" placeholder:"FILE" help:"The key to seal them under in --to. If left out: SOUK_STORE_KEY, or souk.key in its directory."`
	OnlineSource bool   `help:"Copy a PostgreSQL database that nodes serve: as it is when the copy begins. What they take from then on is not in the copy."`
	JSON         bool   `help:"Print the result as JSON."`
}

func (copyCmd) Help() string {
	return `Copies a store whole, to the same engine or to the other one, and proves that it arrived: every row is read back and compared, then the copy is
checked as 'souk check' does. The exit status is 0 only if nothing differs and every rule holds. Stop all Souks that have either store open first.

    souk init --store postgres://souk@db/souk --store-key-file /etc/souk/store.key
    souk copy --from /var/lib/souk --to postgres://souk@db/souk --to-key-file /etc/souk/store.key
    souk serve --store postgres://souk@db/souk --store-key-file /etc/souk/store.key

    souk copy --from postgres://souk@db/souk --from-key-file /etc/souk/store.key --to ./elsewhere

A copy that is interrupted, killed or loses its connection goes on where it was when the same command is given again. Until it is complete, the target is not
served.

With --json: {"from", "to", "resumed", "present", "rows": {...}, "usage": {"copied", "seconds", "per_second"}, "differences": [...], "problems": [...]}.`
}

// side is one of the two stores.
type side struct {
	flag string
	storeFlags
	open market.Store
}

func newSide(flag, where, keyFile, name string) *side {
	s := &side{flag: flag}
	s.StoreKeyFile = keyFile
	if strings.Contains(where, "://") {
		s.Store = sqlstore.AloneURL(where, name)
	} else {
		s.Data = kong.ExpandPath(where)
	}
	return s
}

func (c *copyCmd) Run(a *app) (err error) {
	id := rand.Text()[:8]
	from, to := newSide("--from", c.From, c.FromKeyFile, "copy from "+id), newSide("--to", c.To, c.ToKeyFile, "copy to "+id)
	if from.same(to) {
		return errors.New("--from and --to are the same store")
	}
	for _, s := range []*side{from, to} {
		if err := s.openOffline(a); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.open.Close()) }()
	}
	if !c.OnlineSource {
		if err := from.alone(a.ctx, "what nodes take meanwhile is not in the copy; --online-source copies what is there now"); err != nil {
			return err
		}
	}
	if err := to.alone(a.ctx, "stop all nodes that have it open, and other copies"); err != nil {
		return err
	}
	show := &copyProgress{app: a}
	r, err := transfer.Copy(a.ctx, transfer.Config{From: from.open, To: to.open, Progress: show.at})
	show.done()
	if err != nil {
		return c.explain(a, to, err)
	}
	if c.JSON {
		err = printJSON(a.stdout, c.document(from, to, &r))
	} else {
		err = printCopy(a, from, to, &r)
	}
	if err == nil && len(r.Differences)+len(r.Problems) > 0 {
		return failed{exitFailed}
	}
	if err == nil && !c.OnlineSource {
		err = from.alone(a.ctx, "a node came while it was copied: what it has taken since is not in the copy")
	}
	return err
}

// same reports whether both are one store, as far as their names tell.
func (s *side) same(other *side) bool {
	if s.Store != "" || other.Store != "" {
		return false // two names of one database see each other's sessions
	}
	real := func(dir string) string {
		if r, err := filepath.EvalSymlinks(dir); err == nil {
			return r
		}
		return dir
	}
	return real(s.Data) == real(other.Data)
}

func (s *side) openOffline(a *app) (err error) {
	if err := s.check(); err != nil {
		return fmt.Errorf("%s: %w", s.flag, err)
	}
	s.open, err = s.storeFlags.open(a.ctx, a.getenv, false, nil)
	switch {
	case errors.Is(err, sqlstore.ErrLocked):
		return fmt.Errorf("%s: the store in %s is open elsewhere\nhint: stop the Souk that has it open", s.flag, s.Data)
	case err != nil:
		return fmt.Errorf("%s: %w", s.flag, s.explain(err))
	}
	return nil
}

// alone refuses a database that nodes have open. A directory is locked.
func (s *side) alone(ctx context.Context, hint string) error {
	p, ok := s.open.(*sqlstore.Postgres)
	if !ok {
		return nil
	}
	n, err := p.Peers(ctx)
	if err == nil && n > 0 {
		err = fmt.Errorf("%s: %s is open elsewhere: it has %s of Souk\nhint: %s", s.flag, s, counted(n, "other session"), hint)
	}
	return err
}

// explain says what to do about an error of Copy.
func (c *copyCmd) explain(a *app, to *side, err error) error {
	switch {
	case a.ctx.Err() != nil:
		return errors.New("interrupted\nhint: the same command again goes on from here")
	case errors.Is(err, transfer.ErrNotEmpty), errors.Is(err, transfer.ErrChanged):
		return fmt.Errorf("%w\nhint: copy into a new store: 'souk init' makes one, elsewhere or after that in %s is removed", err, to)
	case errors.Is(err, transfer.ErrUnfinished):
		return fmt.Errorf("%w\nhint: finish it with the 'souk copy' that began it", err)
	}
	return fmt.Errorf("%w\nhint: the same command again goes on from here", err)
}

func perSecond(n int64, d time.Duration) float64 {
	if n == 0 || d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// copyDocument is the result as JSON.
type copyDocument struct {
	From        string           `json:"from"`
	To          string           `json:"to"`
	Resumed     bool             `json:"resumed"`
	Present     bool             `json:"present"`
	Rows        map[string]int64 `json:"rows"`
	Usage       copiedUsage      `json:"usage"`
	Differences []string         `json:"differences"`
	Problems    []market.Problem `json:"problems"`
}

type copiedUsage struct {
	Copied    int64   `json:"copied"`
	Seconds   float64 `json:"seconds"`
	PerSecond int64   `json:"per_second"`
}

func (c *copyCmd) document(from, to *side, r *transfer.Result) copyDocument {
	d := copyDocument{
		From: from.String(), To: to.String(), Resumed: r.Resumed, Present: r.Present, Rows: map[string]int64{},
		Usage:       copiedUsage{r.Usage, r.UsageTime.Seconds(), int64(perSecond(r.Usage, r.UsageTime))},
		Differences: []string{}, Problems: append([]market.Problem{}, r.Problems...),
	}
	for _, k := range r.Rows {
		d.Rows[strings.ReplaceAll(k.Kind, " ", "_")] = k.Rows
	}
	for _, diff := range r.Differences {
		d.Differences = append(d.Differences, diff.String())
	}
	return d
}

func printCopy(a *app, from, to *side, r *transfer.Result) error {
	var b strings.Builder
	switch {
	case r.Present:
		fmt.Fprintf(&b, "%s was the copy of %s already\n", to, from)
	case r.Resumed:
		fmt.Fprintf(&b, "copied %s to %s, from where it had been cut short\n", from, to)
	default:
		fmt.Fprintf(&b, "copied %s to %s\n", from, to)
	}
	for _, k := range r.Rows {
		if k.Rows > 0 {
			fmt.Fprintf(&b, "  %s: %d\n", k.Kind, k.Rows)
		}
	}
	if r.Usage > 0 {
		fmt.Fprintf(&b, "copied %s in %.1f s, %.0f a second\n", counted(int(r.Usage), "usage record"), r.UsageTime.Seconds(), perSecond(r.Usage, r.UsageTime))
	}
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "not the same: %s\n", d)
	}
	if len(r.Differences) > 0 {
		fmt.Fprint(&b, "the target is no copy: the same command again writes everything once more\n")
	} else {
		fmt.Fprint(&b, "compared: every row is the same on both sides\n")
		if len(r.Problems) == 0 {
			fmt.Fprint(&b, "sound: every rule holds\n")
		} else {
			fmt.Fprintf(&b, "%s of the source, which are in the copy as well:\n", counted(len(r.Problems), "problem"))
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintln(&b, oneLine(p.String()))
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

// refuseUnfinished refuses to serve a store that is the part of a copy.
func refuseUnfinished(ctx context.Context, store market.Store, name string) error {
	err := transfer.Finished(ctx, store)
	if errors.Is(err, transfer.ErrUnfinished) {
		return fmt.Errorf("%s is a copy that was cut short\nhint: finish it with the 'souk copy' that began it", name)
	}
	return err
}
