package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// AloneURL is the URL of a store for those who must be alone with it: its sessions have a name of their own, by which Peers tells them from others',
// and keep a snapshot for as long as it takes.
func AloneURL(text, name string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text // OpenPostgres says what is wrong with it
	}
	q := u.Query()
	q.Set("application_name", "souk "+name)
	q.Set("idle_in_transaction_session_timeout", "0")
	u.RawQuery = q.Encode()
	return u.String()
}

// selectPeers counts sessions of Souk, of whichever node, by the name that OpenPostgres gives them, but for those of the same name as this one.
const selectPeers = `SELECT count(*) FROM pg_stat_activity
	WHERE datname = current_database() AND application_name LIKE 'souk%' AND application_name <> current_setting('application_name')`

// Peers counts the sessions of others that have the store open: nodes, and whoever has it open by another AloneURL. Nodes whose URL gives them an
// application_name that does not begin with "souk" are not seen.
func (p *Postgres) Peers(ctx context.Context) (n int, err error) {
	c, err := p.conns.take(ctx)
	if err != nil {
		return 0, err
	}
	if err := c.sql.QueryRowContext(ctx, selectPeers).Scan(&n); err != nil {
		p.conns.discard(c)
		return 0, fmt.Errorf("sqlstore: look for other nodes: %w", err)
	}
	p.conns.put(c)
	return n, nil
}

// ErrInUse means that others have the store open.
var ErrInUse = errors.New("others have the store open")

// leaving is how long sessions may take to end after they were closed.
const leaving = 2 * time.Second

// alone is ErrInUse if there are Peers, who are not just leaving.
func (p *Postgres) alone(ctx context.Context) error {
	for deadline := time.Now().Add(leaving); ; {
		n, err := p.Peers(ctx)
		switch {
		case err != nil || n == 0:
			return err
		case time.Now().After(deadline):
			return fmt.Errorf("%w: %d sessions", ErrInUse, n)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
