package sqlstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// watchEvery is how long Watch waits to connect again.
const watchEvery = 250 * time.Millisecond

// Watch calls changed when another node, or this one, has committed something that nodes keep in memory, until ctx ends. It takes a connection of its own.
//
// Notifications can be lost with the connection, so changed is called when that is made anew too; and who must not miss anything also looks by
// themselves now and then.
func (p *Postgres) Watch(ctx context.Context, changed func()) {
	for ctx.Err() == nil {
		p.listen(ctx, changed)
		select {
		case <-ctx.Done():
		case <-time.After(watchEvery):
		}
	}
}

// listen listens until the connection breaks.
func (p *Postgres) listen(ctx context.Context, changed func()) {
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx)
	}()
	if _, err := c.Exec(ctx, "LISTEN "+newsChannel); err != nil {
		return
	}
	for {
		changed()
		if _, err := c.WaitForNotification(ctx); err != nil {
			return
		}
	}
}
