package pgtest

import (
	"errors"
	"os"
	"os/exec"
)

// There is no PostgreSQL for tests on Windows: Start finds none.

var quit = os.Kill

type owner struct{}

func unprivileged() (*owner, error) { return nil, errors.ErrUnsupported }

func (o *owner) take(string) error { return nil }

func (o *owner) run(*exec.Cmd) {}

// Freeze is not to be had on Windows.
func (s *Server) Freeze() error { return errors.ErrUnsupported }

// Thaw is not to be had on Windows.
func (s *Server) Thaw() error { return errors.ErrUnsupported }

// Processes are not to be had on Windows.
func (s *Server) Processes() []int { return nil }
