package pgtest

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the process end with the thread that starts it.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT }
