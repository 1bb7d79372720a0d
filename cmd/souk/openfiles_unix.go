//go:build unix

package main

import (
	"math"

	"golang.org/x/sys/unix"
)

// openFiles is how many files the process may have open; false: any number, or nobody can tell.
func openFiles() (int, bool) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, false
	}
	cur := uint64(l.Cur) // of another type on some systems
	return int(min(cur, math.MaxInt32)), cur < math.MaxInt32
}
