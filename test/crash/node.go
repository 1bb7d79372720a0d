package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/souk-market/souk/test/process"
)

// engine is the store under test, as the command line names it.
type engine struct {
	flags []string // of every command that opens the store
	dir   string   // of the store, or of the database's key. It is removed in the end
	// over is whether nothing of a killed node comes any more once the next one answers. PostgreSQL may be finishing a commit whose client is dead.
	over bool
}

// newEngine is a PostgreSQL database, or a SQLite store in a directory of its own if there is no URL.
func newEngine(url string) (*engine, error) {
	dir, err := os.MkdirTemp("", "souk-crash-")
	if err != nil {
		return nil, err
	}
	if url != "" {
		key := filepath.Join(dir, "store.key")
		e := &engine{flags: []string{"--store", url, "--store-key-file", key}, dir: dir}
		if err := os.WriteFile(key, []byte(strings.Repeat("6c", 32)), 0o600); err != nil {
			e.remove()
			return nil, err
		}
		return e, nil
	}
	return &engine{flags: []string{"--data", filepath.Join(dir, "data")}, dir: dir, over: true}, nil
}

func (e *engine) remove() { _ = os.RemoveAll(e.dir) }

// run runs a command of souk's on the store, to its end.
func (e *engine) run(ctx context.Context, command string) error {
	path, err := process.Binary()
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, path, append([]string{command}, e.flags...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("souk %s: %w\n%s", command, err, out)
	}
	return nil
}

// node is a `souk serve` that can be killed at any moment of its life, its start included. process.Start waits for it to be ready, so this does not use it.
type node struct {
	process.Souk
	line       chan []byte // what it says when it is ready
	exited     chan error
	complaints bytes.Buffer // valid after exited
	started    time.Time
}

// launch starts a node. It may never come to answer.
func (e *engine) launch(ctx context.Context) (*node, error) {
	path, err := process.Binary()
	if err != nil {
		return nil, err
	}
	n := &node{line: make(chan []byte, 1), exited: make(chan error, 1), started: time.Now()}
	args := append([]string{"serve", "--simulation", "--json", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}, e.flags...)
	n.Cmd = exec.CommandContext(ctx, path, args...)
	n.Cmd.Stderr = &n.complaints
	stdout, err := n.Cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.Cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		b, _ := bufio.NewReader(stdout).ReadBytes('\n')
		n.line <- b
		_, _ = io.Copy(io.Discard, stdout)
		n.exited <- n.Cmd.Wait()
	}()
	return n, nil
}

// ready waits until the node answers.
func (n *node) ready() error {
	select {
	case b := <-n.line:
		if err := json.Unmarshal(b, &n.Info); err != nil {
			n.kill()
			return fmt.Errorf("souk serve did not say that it is ready: %q\n%s", b, n.complaints.String())
		}
		return nil
	case <-time.After(time.Minute):
		n.kill()
		return fmt.Errorf("souk serve was not ready within a minute\n%s", n.complaints.String())
	}
}

// kill ends the node as a power switch would, as far as its memory goes, and waits until it has gone.
func (n *node) kill() {
	_ = n.Cmd.Process.Kill() // that it has ended by itself shows in complaints
	<-n.exited
}

// stop ends the node as an operator would.
func (n *node) stop() error {
	if err := n.Cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-n.exited:
		if err != nil {
			return fmt.Errorf("souk serve: %w\n%s", err, n.complaints.String())
		}
		return nil
	case <-time.After(20 * time.Second):
		n.kill()
		return fmt.Errorf("souk serve did not stop within 20 seconds\n%s", n.complaints.String())
	}
}
