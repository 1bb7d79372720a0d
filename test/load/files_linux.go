package main

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// raiseFiles lets this process, and those that it starts from now on, have so many files open.
func raiseFiles(n int) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	if l.Cur >= uint64(n) {
		return nil
	}
	was := l
	l.Cur, l.Max = uint64(n), max(l.Max, uint64(n)) // beyond the hard limit with privileges only
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("the limit of open files is %d (hard: %d), and cannot be raised to %d: %w", was.Cur, was.Max, n, err)
	}
	return nil
}

// openFiles is how many files a process has open.
func openFiles(pid int) int {
	entries, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
