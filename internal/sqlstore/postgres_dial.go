package sqlstore

import (
	"context"
	"net"
	"strings"
	"syscall"
	"time"
)

// silentFor is how long the database's machine may leave packets without an acknowledgement before its connections count as broken. Left to itself Linux goes on
// for a quarter of an hour (net.ipv4.tcp_retries2), and a View has no time of its own: its caller would wait.
const silentFor = 10 * time.Second

// dial connects to a database of which it is noticed when its machine, or the way there, is gone.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{ // pgconn's context bounds it
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silentFor / 2, Interval: silentFor / 4, Count: 2},
		Control: func(network, _ string, c syscall.RawConn) error {
			if !strings.HasPrefix(network, "tcp") {
				return nil
			}
			return limitSilence(c, silentFor)
		},
	}
	return d.DialContext(ctx, network, address)
}
