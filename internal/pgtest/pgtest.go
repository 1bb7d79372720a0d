// Package pgtest runs a PostgreSQL of its own for tests: a fresh cluster in a temporary directory, on a free port of loopback, of the
// ordinary, non-C collation.
//
// The programs are found where Debian keeps them or on the PATH; SOUK_TEST_POSTGRES names their directory. A test that wants a server and finds none is
// skipped, and fails where CI=true.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running PostgreSQL.
type Server struct {
	Dir  string // of the cluster
	Port int

	bin     string
	owner   *owner // nil: whoever runs the test
	options []string
	mounted bool
	cmd     *exec.Cmd
	exited  chan struct{}
	databases
}

// Config says what kind of server. The zero value is one for conformance tests: it does not sync, since nobody pulls its plug.
type Config struct {
	Sync bool // as in production
	// Options are settings of postgresql.conf: "name=value".
	Options []string
	// Mebibytes, if not 0, is the size of the disk that the cluster has to itself, in memory. ErrNoDisk where that cannot be made.
	Mebibytes int
}

// ErrNoDisk means that this process may not mount a disk.
var ErrNoDisk = errors.New("no disk can be mounted here")

// bin is the directory of PostgreSQL's programs: of the newest version that is at least 15.
func bin() (string, error) {
	if dir := os.Getenv("SOUK_TEST_POSTGRES"); dir != "" {
		_, err := os.Stat(filepath.Join(dir, "postgres"))
		return dir, err
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	if len(dirs) > 0 && version(dirs[0]) >= 15 {
		return filepath.Dir(dirs[0]), nil
	}
	path, err := exec.LookPath("postgres")
	if err == nil {
		path, err = filepath.EvalSymlinks(path) // the other programs are where it really is
	}
	if err != nil {
		return "", errors.New("there is no PostgreSQL 15 or later here")
	}
	return filepath.Dir(path), nil
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// Start makes a cluster and starts it. The caller must Stop it, which removes it.
func Start(cfg Config) (_ *Server, err error) {
	s := &Server{}
	if s.bin, err = bin(); err != nil {
		return nil, err
	}
	if os.Getuid() == 0 { // PostgreSQL does not run as root
		if s.owner, err = unprivileged(); err != nil {
			return nil, err
		}
	}
	if err := s.makeDir(cfg.Mebibytes); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.removeDir()
		}
	}()
	if err := s.owner.take(s.Dir); err != nil {
		return nil, err
	}
	data := filepath.Join(s.Dir, "data")
	if err := s.Run("initdb", "--pgdata", data, "--username", "souk", "--auth", "trust", "--no-sync", "--encoding", "UTF8",
		"--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "en-US"); err != nil {
		return nil, err
	}
	s.options = append([]string{"listen_addresses=127.0.0.1", "max_connections=200", "log_min_messages=fatal",
		"shared_buffers=128MB", "max_wal_size=2GB"}, cfg.Options...)
	if !cfg.Sync {
		s.options = append(s.options, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	return s, s.Up()
}

func (s *Server) makeDir(mebibytes int) (err error) {
	if s.Dir, err = os.MkdirTemp("", "souk-postgres-"); err != nil || mebibytes == 0 {
		return err
	}
	if err := mount(s.Dir, mebibytes); err != nil {
		return errors.Join(ErrNoDisk, err, os.Remove(s.Dir))
	}
	s.mounted = true
	return nil
}

func (s *Server) removeDir() error {
	if !s.mounted {
		return os.RemoveAll(s.Dir)
	}
	return errors.Join(unmount(s.Dir), os.Remove(s.Dir))
}

// command is a program of PostgreSQL's, run as its owner.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.Dir
	s.owner.run(cmd)
	return cmd
}

// Run runs a program of PostgreSQL's to its end.
func (s *Server) Run(name string, args ...string) error {
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Up starts a server that is down, and waits until it answers.
func (s *Server) Up() error {
	args := []string{"-D", filepath.Join(s.Dir, "data"), "-p", strconv.Itoa(s.Port), "-k", s.Dir}
	for _, o := range s.options {
		args = append(args, "-c", o)
	}
	s.cmd = s.command("postgres", args...)
	log := new(lines)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.exited = make(chan struct{})
	started := make(chan error)
	go func() { // in a thread that lives as long: the server is to die with it
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		dieWithParent(s.cmd)
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait()
			close(s.exited)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		c, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			err = c.Close(ctx)
		}
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("postgres ended: %s", log)
		default:
		}
		if time.Now().After(deadline) {
			s.Kill()
			return fmt.Errorf("postgres does not answer: %w\n%s", err, log)
		}
	}
}

// Down shuts the server down: fast, or (immediate) as if it had crashed.
func (s *Server) Down(immediate bool) {
	signal := os.Interrupt
	if immediate {
		signal = quit
	}
	_ = s.cmd.Process.Signal(signal)
	<-s.exited
}

// Kill kills the postmaster. Its children notice by themselves.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// Running reports whether there is a server: it may have ended by itself.
func (s *Server) Running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// Stop ends the server and removes the cluster.
func (s *Server) Stop() error {
	if s.Running() {
		s.Down(true)
	}
	return s.removeDir()
}

// URL is where a database is.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://souk@127.0.0.1:%d/%s?sslmode=disable", s.Port, database)
}

// databases counts those that were made, and makes names for them.
type databases struct {
	mu   sync.Mutex
	made int
}

// Create makes a database and answers its URL. With a template, another's name, it is a copy of that, to which nobody may be connected.
func (s *Server) Create(ctx context.Context, template string) (name, url string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock() // two copies of one template at once are refused
	s.made++
	name = fmt.Sprintf("souk_%d", s.made)
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return "", "", err
	}
	defer c.Close(ctx)
	statement := "CREATE DATABASE " + name
	if template != "" {
		statement += " TEMPLATE " + template + " STRATEGY = file_copy"
	}
	_, err = c.Exec(ctx, statement)
	return name, s.URL(name), err
}

// Database makes a database for a test. It goes with the server.
func (s *Server) Database(t testing.TB, template string) (name, url string) {
	t.Helper()
	name, url, err := s.Create(t.Context(), template)
	if err != nil {
		t.Fatal(err)
	}
	return name, url
}

// lines keeps the end of what a process prints.
type lines struct {
	mu   sync.Mutex
	text []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if over := len(l.text) - 8<<10; over > 0 {
		l.text = slices.Delete(l.text, 0, over)
	}
	return len(p), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Shared is a server that the tests of a package share, started by the first that asks. The package's TestMain must end with Release.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = Start(Config{}) })
	if shared.err != nil {
		Missing(t, shared.err)
	}
	return shared.server
}

// Missing skips a test for which there is no PostgreSQL, or fails it where there has to be one.
func Missing(t testing.TB, why error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("PostgreSQL: %v", why)
	}
	t.Skipf("PostgreSQL: %v", why)
}

// Release ends the shared server, if there is one.
func Release() {
	if shared.server != nil {
		_ = shared.server.Stop()
	}
}
