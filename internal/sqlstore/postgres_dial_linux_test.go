package sqlstore

import (
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/souk-market/souk/internal/market"
)

// What the kernel then does is the kernel's. That it is told so, on the connections of every kind, is ours.
func TestConnectionsDoNotStaySilent(t *testing.T) {
	url := emptyDatabase(t)
	s := openPostgres(t, url)
	option := func(c net.Conn, level, name int) (value int) {
		t.Helper()
		raw, err := c.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) }); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	check := func(what string, c *pgx.Conn) {
		t.Helper()
		conn := c.PgConn().Conn()
		if ms := option(conn, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); ms != int(silentFor.Milliseconds()) {
			t.Errorf("%s: %d ms without an acknowledgement", what, ms)
		}
		if s := option(conn, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE); s != int(silentFor.Seconds()/2) || option(conn, unix.SOL_SOCKET, unix.SO_KEEPALIVE) == 0 {
			t.Errorf("%s: probed after %d seconds", what, s)
		}
	}
	if err := s.View(t.Context(), func(tx market.Tx) error { _, err := tx.Versions(); return err }); err != nil {
		t.Fatal(err)
	}
	c, err := s.conns.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.conns.put(c)
	if err := pgConnOf(c.sql, func(pg *pgx.Conn) error { check("the pool's", pg); return nil }); err != nil {
		t.Fatal(err)
	}
	pg, err := pgx.ConnectConfig(t.Context(), s.config) // as those are made that take usage, and that listen
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(t.Context())
	check("the appenders'", pg)
}
