package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/souk-market/souk/test/process"
)

// server is a process under measurement.
type server struct {
	host       string // host:port
	pid        int
	mallocsURL string // a page with the line "go_memstats_mallocs_total N"
	stop       func()
}

// mallocs is how many objects the process has allocated since its start; 0 if it does not tell.
func (s *server) mallocs() float64 {
	res, err := http.Get(s.mallocsURL)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "go_memstats_mallocs_total "); ok {
			n, _ := strconv.ParseFloat(v, 64)
			return n
		}
	}
	return 0
}

// try sends one request and answers the body of its answer.
func (s *server) try(request []byte) ([]byte, error) {
	c, err := net.Dial("tcp", s.host)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s: %s", res.Status, body)
	}
	return body, err
}

// soukServer is `souk serve` on a store on disk.
type soukServer struct {
	server
	dir     string
	process *process.Souk
}

// makeStore makes an empty store with `souk init`.
func makeStore(ctx context.Context) (dir string, err error) {
	path, err := process.Binary()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "souk-load-"); err != nil {
		return "", err
	}
	if out, err := exec.CommandContext(ctx, path, "init", "--data", dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("souk init: %w\n%s", err, out)
	}
	return dir, nil
}

// startSouk starts `souk serve` where servers run, with the seller's world in a store of its own.
func startSouk(ctx context.Context, args ...string) (*soukServer, error) {
	dir, err := makeStore(ctx)
	if err != nil {
		return nil, err
	}
	s, err := startSoukOn(ctx, dir, args...)
	if err != nil {
		return nil, err
	}
	if err := s.apply(ctx, sellerWorld()); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// startSoukOn starts `souk serve` where servers run, on the store in dir, which goes when the server is stopped, and if it does not start.
func startSoukOn(ctx context.Context, dir string, args ...string) (s *soukServer, err error) {
	var p *process.Souk
	onServerCPU(func() { p, err = process.Start(ctx, append([]string{"serve", "--data", dir}, args...)...) })
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	s = &soukServer{dir: dir, process: p}
	s.host, s.pid, s.mallocsURL = strings.TrimPrefix(p.Endpoint, "http://"), p.Cmd.Process.Pid, p.Control+"/metrics"
	s.stop = func() {
		if err := p.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
		}
		_ = os.RemoveAll(dir)
	}
	if err := s.checkPinned(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// startBare runs this program again as the bare handler, whose answers have that size.
func startBare(ctx context.Context, size int) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, serveBareArg, strconv.Itoa(size))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	onServerCPU(func() { err = cmd.Start() })
	if err != nil {
		return nil, err
	}
	s := &server{pid: cmd.Process.Pid, stop: func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if hosts := strings.Fields(line); err == nil && len(hosts) == 2 {
		s.host, s.mallocsURL = hosts[0], "http://"+hosts[1]+"/"
		err = s.checkPinned()
	} else {
		err = fmt.Errorf("the bare handler did not start: %q %s", line, complaints.String())
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}
