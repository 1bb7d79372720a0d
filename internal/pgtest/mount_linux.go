package pgtest

import (
	"fmt"

	"golang.org/x/sys/unix"
)

func mount(dir string, mebibytes int) error {
	return unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%dm", mebibytes))
}

func unmount(dir string) error { return unix.Unmount(dir, unix.MNT_DETACH) }
