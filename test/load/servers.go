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
	"time"

	"github.com/souk-market/souk/internal/sigv4"
	"github.com/souk-market/souk/test/process"
)

const bareArg = "serve-bare"

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

// soukServer is `souk serve` on a store on disk.
type soukServer struct {
	server
	dir     string
	process *process.Souk
}

const (
	accessKey = "AKIALOADTESTSELLER00"
	secret    = "load/test/seller/NOT+A+SECRET/EXAMPLE000"
	product   = "loadtest0product0code0000"
)

// loadWorld is what a seller has: an account, a user with the policy that AWS recommends to SaaS sellers, a product.
const loadWorld = `
accounts:
  - {id: "111122223333", name: Seller, seller: true}
  - {id: "777788889999", name: Buyer, buyer: true}
users:
  - account: "111122223333"
    name: app
    policies:
      - name: Recommended
        document:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Action: ["aws-marketplace:ResolveCustomer", "aws-marketplace:BatchMeterUsage", "aws-marketplace:GetEntitlements"]
              Resource: "*"
    access_keys: [{id: ` + accessKey + `, secret: ` + secret + `}]
products:
  - {code: ` + product + `, seller: "111122223333", title: Load, kind: legacy, token_life: 24h, dimensions: [{key: d, kind: metered}]}
`

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

func startSouk(ctx context.Context, args ...string) (*soukServer, error) {
	dir, err := makeStore(ctx)
	if err != nil {
		return nil, err
	}
	var p *process.Souk
	onServerCPU(func() { p, err = process.Start(ctx, append([]string{"serve", "--data", dir}, args...)...) })
	if err != nil {
		return nil, err
	}
	s := &soukServer{dir: dir, process: p}
	s.host, s.pid, s.mallocsURL = strings.TrimPrefix(p.Endpoint, "http://"), p.Cmd.Process.Pid, p.Control+"/metrics"
	s.stop = func() {
		if err := p.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
		}
		_ = os.RemoveAll(dir)
	}
	return s, p.Call(ctx, http.MethodPut, "/api/v1/world", []byte(loadWorld), nil)
}

// sign makes n requests, each for a token of its own and signed at a time of its own, as SDKs send them. size is that of an answer's body.
func (s *soukServer) sign(ctx context.Context, n int) (requests [][]byte, size int, err error) {
	for i := range n {
		p, err := s.process.Buy(ctx, product)
		if err != nil {
			return nil, 0, err
		}
		body := []byte(`{"RegistrationToken":"` + p.RegistrationToken + `"}`)
		r, err := http.NewRequest(http.MethodPost, s.process.Endpoint+"/", bytes.NewReader(body))
		if err != nil {
			return nil, 0, err
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer")
		r.Header.Set("User-Agent", "aws-sdk-go-v2/1.47.8 ua/2.1 os/linux lang/go#1.26.8 md/GOOS#linux md/GOARCH#amd64 api/marketplacemetering#1.40.0 m/E,g")
		r.Header.Set("Amz-Sdk-Invocation-Id", fmt.Sprintf("d430fde5-7c14-4c62-bead-%012d", i))
		r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
		sigv4.Sign(r, body, sigv4.Key{AccessKeyID: accessKey, Secret: secret}, "us-east-1", "aws-marketplace", time.Now().Add(-time.Duration(i)*time.Second/4))
		var raw bytes.Buffer
		fmt.Fprintf(&raw, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", s.host, len(body))
		if err := r.Header.Write(&raw); err != nil {
			return nil, 0, err
		}
		raw.WriteString("\r\n")
		raw.Write(body)
		requests = append(requests, raw.Bytes())
	}
	c, err := net.Dial("tcp", s.host)
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	if _, err := c.Write(requests[0]); err != nil {
		return nil, 0, err
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, 0, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("first request: %s %s", res.Status, body)
	}
	return requests, len(body), nil
}

// startBare runs this program again as the bare handler.
func startBare(ctx context.Context, size int) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, bareArg, strconv.Itoa(size))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	onServerCPU(func() { err = cmd.Start() })
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, err
	}
	hosts := strings.Fields(line)
	return &server{host: hosts[0], pid: cmd.Process.Pid, mallocsURL: "http://" + hosts[1] + "/", stop: func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}}, nil
}

// resolve makes one call and answers its status.
func resolve(ctx context.Context, endpoint, token string) (int, error) {
	body := []byte(`{"RegistrationToken":"` + token + `"}`)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer")
	sigv4.Sign(r, body, sigv4.Key{AccessKeyID: accessKey, Secret: secret}, "us-east-1", "aws-marketplace", time.Now())
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}
