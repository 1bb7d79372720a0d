// Package process runs a real souk process for tests and measurements: the binary that users run, over real sockets.
package process

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Info is what `souk dev --json` and `souk serve --json` print when they are ready.
type Info struct {
	Endpoint string    `json:"endpoint"`
	Control  string    `json:"control"`
	Region   string    `json:"region"`
	Keys     []Key     `json:"keys"`
	Products []Product `json:"products"`
}

// Key is a sample access key.
type Key struct {
	Name            string `json:"name"`
	Account         string `json:"account"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

// Product is a sample product.
type Product struct {
	ProductCode     string `json:"product_code"`
	ProductID       string `json:"product_id"`
	Kind            string `json:"kind"`
	RegistrationURL string `json:"registration_url"`
}

// Purchase is what `souk buy --json` prints, and the control API answers.
type Purchase struct {
	RegistrationToken    string `json:"registration_token"`
	AgreementID          string `json:"agreement_id"`
	LicenseARN           string `json:"license_arn"`
	CustomerIdentifier   string `json:"customer_identifier"`
	CustomerAWSAccountID string `json:"customer_aws_account_id"`
	ProductCode          string `json:"product_code"`
	ProductID            string `json:"product_id"`
	OfferID              string `json:"offer_id"`
}

// Souk is a running process.
type Souk struct {
	Info
	Cmd    *exec.Cmd
	stderr bytes.Buffer
	exited chan error
}

var build struct {
	sync.Once
	path string
	err  error
}

// Binary builds ./cmd/souk once a process and returns its path. It stays in the temporary directory until RemoveBinary.
func Binary() (string, error) {
	build.Do(func() {
		dir, err := os.MkdirTemp("", "souk-binary-")
		if err != nil {
			build.err = err
			return
		}
		build.path = filepath.Join(dir, "souk")
		_, file, _, _ := runtime.Caller(0)
		root := filepath.Join(filepath.Dir(file), "..", "..")
		// go test keeps a result for as long as the files that the test looked at stay the same; what a go build reads on its behalf it does not
		// see. So the test looks at them itself.
		for _, part := range []string{"cmd", "internal"} {
			build.err = filepath.WalkDir(filepath.Join(root, part), func(path string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					_, err = os.Stat(path)
				}
				return err
			})
			if build.err != nil {
				return
			}
		}
		cmd := exec.Command("go", "build", "-o", build.path, "./cmd/souk")
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			build.err = fmt.Errorf("build souk: %w\n%s", err, out)
		}
	})
	return build.path, build.err
}

// RemoveBinary removes what Binary built.
func RemoveBinary() {
	if build.path != "" {
		_ = os.RemoveAll(filepath.Dir(build.path))
	}
}

// Start runs souk with the arguments given plus --json and free ports, and waits until it says that it is ready.
func Start(ctx context.Context, args ...string) (*Souk, error) {
	path, err := Binary()
	if err != nil {
		return nil, err
	}
	return StartBinary(ctx, path, args...)
}

// StartBinary is Start with another binary.
func StartBinary(ctx context.Context, path string, args ...string) (*Souk, error) {
	s := &Souk{exited: make(chan error, 1)}
	s.Cmd = exec.Command(path, append(args, "--json", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")...)
	s.Cmd.Stderr = &s.stderr
	s.Cmd.Dir = os.TempDir()
	stdout, err := s.Cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.Cmd.Start(); err != nil {
		return nil, err
	}
	line := make(chan []byte, 1)
	go func() {
		b, _ := bufio.NewReader(stdout).ReadBytes('\n')
		line <- b
		_, _ = io.Copy(io.Discard, stdout)
		s.exited <- s.Cmd.Wait()
	}()
	select {
	case b := <-line:
		if err := json.Unmarshal(b, &s.Info); err != nil {
			_ = s.Cmd.Process.Kill()
			<-s.exited
			return nil, fmt.Errorf("souk %v did not say that it is ready: %q\n%s", args, b, s.stderr.String())
		}
		return s, nil
	case <-ctx.Done():
		_ = s.Cmd.Process.Kill()
		return nil, ctx.Err()
	}
}

// Stop ends the process as an operator would, and reports an exit that was not clean.
func (s *Souk) Stop() error {
	if err := s.Cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-s.exited:
		if err != nil {
			return fmt.Errorf("souk: %w\n%s", err, s.stderr.String())
		}
		return nil
	case <-time.After(20 * time.Second):
		_ = s.Cmd.Process.Kill()
		return fmt.Errorf("souk did not stop within 20 seconds\n%s", s.stderr.String())
	}
}

// Key finds a sample key by name.
func (s *Souk) Key(name string) Key {
	for _, k := range s.Keys {
		if k.Name == name {
			return k
		}
	}
	return Key{}
}

// Product finds the sample product of a kind.
func (s *Souk) Product(kind string) Product {
	for _, p := range s.Products {
		if p.Kind == kind {
			return p
		}
	}
	return Product{}
}

// Call makes a request of the control API. in and out may be nil.
func (s *Souk) Call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	switch v := in.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(v)
	default:
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.Control+path, body)
	if err != nil {
		return err
	}
	if _, raw := in.([]byte); raw {
		req.Header.Set("Content-Type", "application/yaml")
	} else if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

// Buy makes a purchase.
func (s *Souk) Buy(ctx context.Context, productCode string) (p Purchase, err error) {
	err = s.Call(ctx, http.MethodPost, "/api/v1/purchases", map[string]string{"product_code": productCode}, &p)
	return p, err
}
