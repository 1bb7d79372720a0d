package sqlstore

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// limitSilence bounds how long what was sent may stay unacknowledged: tcp(7), TCP_USER_TIMEOUT.
func limitSilence(c syscall.RawConn, d time.Duration) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
