//go:build !windows

package sqlstore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock that the file of this name stands for, or answers ErrLocked. The kernel gives it back when the
// process ends, however it ends. The file stays: removing it would let two openers lock two files of one name.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
	return f, nil
}
