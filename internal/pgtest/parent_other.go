//go:build !linux

package pgtest

import "os/exec"

// dieWithParent is Linux's. Elsewhere a test that is killed leaves its server behind.
func dieWithParent(*exec.Cmd) {}
