//go:build unix

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// quit shuts PostgreSQL down at once.
var quit os.Signal = syscall.SIGQUIT

// owner is whom PostgreSQL runs as.
type owner struct{ uid, gid int }

// unprivileged is somebody whom PostgreSQL runs as: its own user, or nobody.
func unprivileged() (*owner, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		return &owner{uid, gid}, errors.Join(err1, err2)
	}
	return nil, errors.New("there is no unprivileged user to run PostgreSQL as")
}

// take makes a directory the owner's.
func (o *owner) take(dir string) error {
	if o == nil {
		return nil
	}
	return os.Chown(dir, o.uid, o.gid)
}

// run makes a command the owner's.
func (o *owner) run(cmd *exec.Cmd) {
	cmd.SysProcAttr = new(syscall.SysProcAttr)
	if o != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
}

// Freeze stops the postmaster and all of its processes until Thaw: they hold their connections, and say nothing.
func (s *Server) Freeze() error { return s.signalAll(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (s *Server) Thaw() error { return s.signalAll(syscall.SIGCONT) }

// Processes are the postmaster and its children.
func (s *Server) Processes() []int {
	parent := s.cmd.Process.Pid
	pids := []int{parent}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	for _, p := range strings.Fields(string(children)) {
		if pid, err := strconv.Atoi(p); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (s *Server) signalAll(signal syscall.Signal) error {
	pids := s.Processes()
	if len(pids) < 2 {
		return errors.New("the server's processes cannot be listed here")
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, signal) // one that has ended meanwhile is no matter
	}
	return nil
}
