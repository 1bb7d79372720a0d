package sqlstore

import (
	"context"
	"fmt"
	"net/url"
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
