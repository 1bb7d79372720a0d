package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

func devConfig() nodeConfig {
	return nodeConfig{
		nodeFlags: nodeFlags{Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Region: "us-east-1", Regions: "aws", TokenReuse: market.ReuseReplay},
		Mode:      "dev", Create: true, Sample: true, Simulation: true, Quotas: "off",
	}
}

func noEnv(string) string { return "" }

func startTest(t *testing.T, change func(*nodeConfig)) *node {
	t.Helper()
	cfg := devConfig()
	if change != nil {
		change(&cfg)
	}
	n, err := startNode(context.Background(), cfg, noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

func controlOf(t *testing.T, n *node, token string) *admin.Client {
	t.Helper()
	c, err := admin.NewClient(n.Control, token)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The demo is the main job; it exits 0 only if every answer is the right one.
func TestDemo(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if status := run(context.Background(), []string{"demo"}, strings.NewReader(""), &out, io.Discard, noEnv); status != 0 || !strings.Contains(out.String(), "41 answers checked, all right") {
		t.Errorf("exit status %d:\n%s", status, out.String())
	}
}

// Two in one process know nothing of each other, and leave nothing behind.
func TestTwoNodes(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx := context.Background()
	a, err := startNode(ctx, devConfig(), noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	b, err := startNode(ctx, devConfig(), noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	product := a.Info().Products[0].ProductCode
	if _, err := controlOf(t, a, "").Buy(ctx, admin.PurchaseInput{ProductCode: product}); err != nil {
		t.Fatal(err)
	}
	page, err := controlOf(t, b, "").Agreements(ctx, admin.AgreementQuery{})
	if err != nil || len(page.Agreements) != 0 {
		t.Errorf("the other node has agreements %v, %v", page.Agreements, err)
	}
	for _, n := range []*node{a, b} {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before+4 && time.Now().Before(deadline) { // idle connections of the clients
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before+4 {
		buf := make([]byte, 1<<18)
		t.Errorf("%d goroutines before, %d after:\n%s", before, n, buf[:runtime.Stack(buf, true)])
	}
}

// What was bought, the moved clock and a changed product are there again after a restart; the sample world is not applied over them.
func TestDevKeepsData(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "data")
	cfg := devConfig()
	cfg.Data = dir
	n, err := startNode(ctx, cfg, noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	c := controlOf(t, n, "")
	p, err := c.Buy(ctx, admin.PurchaseInput{ProductCode: n.Info().Products[0].ProductCode})
	if err != nil {
		t.Fatal(err)
	}
	target := "http://localhost:1/register"
	if _, err := c.ChangeProduct(ctx, p.ProductCode, admin.ProductChange{RegistrationURL: &target}); err != nil {
		t.Fatal(err)
	}
	moved, err := c.AdvanceClock(ctx, 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = startTest(t, func(c *nodeConfig) { c.Data = dir })
	c = controlOf(t, n, "")
	page, err := c.Agreements(ctx, admin.AgreementQuery{})
	if err != nil || len(page.Agreements) != 1 || page.Agreements[0].AgreementID != p.AgreementID {
		t.Errorf("agreements %+v, %v", page.Agreements, err)
	}
	if product, err := c.Product(ctx, p.ProductCode); err != nil || product.RegistrationURL != target {
		t.Errorf("registration URL %q, %v", product.RegistrationURL, err)
	}
	if now, err := c.Clock(ctx); err != nil || now.Now.Before(moved.Now) {
		t.Errorf("the clock is at %s, was at %s, %v", now.Now, moved.Now, err)
	}
}

// serve makes nothing that is not there, has no sample data, no clock, no faults, no registration page.
func TestServe(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "data")
	cfg := devConfig()
	cfg.Mode, cfg.Data, cfg.Create, cfg.Sample, cfg.Simulation = "serve", dir, false, false, false
	if _, err := startNode(ctx, cfg, noEnv, io.Discard); !errors.Is(err, sqlstore.ErrNotInitialized) {
		t.Fatalf("without a store: %v, want ErrNotInitialized", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("serve made its directory")
	}
	for i, want := range []int{0, 1} { // the second time it is there already
		if status := run(ctx, []string{"init", "--data", dir}, nil, io.Discard, io.Discard, noEnv); status != want {
			t.Errorf("init, time %d: exit status %d, want %d", i+1, status, want)
		}
	}
	n, err := startNode(ctx, cfg, noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	c := controlOf(t, n, "")
	if info := n.Info(); len(info.Keys) != 0 || len(info.Products) != 0 {
		t.Errorf("an empty store tells of %v and %v", info.Keys, info.Products)
	}
	var refused *admin.APIError
	if _, err := c.AdvanceClock(ctx, time.Hour); !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("advance the clock: %v", err)
	}
	if _, err := c.Faults(ctx); !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("list faults: %v", err)
	}
	res, err := http.Get(n.Control + registrationPath)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized { // as every page that is not there, until it knows who asks
		t.Errorf("the registration page answers %s", res.Status)
	}
	if _, err := c.ApplyWorld(ctx, sampleWorld); err != nil {
		t.Errorf("apply a world: %v", err)
	}
	if info := n.Info(); len(info.Keys) != 0 || len(info.Products) != 2 {
		t.Errorf("serve tells %d keys and %d products, want none and 2", len(info.Keys), len(info.Products))
	}
}

func TestControlNeedsACredentialOffLoopback(t *testing.T) {
	t.Parallel()
	cfg := devConfig()
	cfg.Control = "0.0.0.0:0"
	if n, err := startNode(context.Background(), cfg, noEnv, io.Discard); err == nil {
		n.Close()
		t.Fatal("started without a credential")
	}
	n := startTest(t, func(c *nodeConfig) { c.Control, c.ControlToken = "0.0.0.0:0", "a credential of some length" })
	if _, err := controlOf(t, n, "").Info(context.Background()); err == nil {
		t.Error("answers without the credential")
	}
	if _, err := controlOf(t, n, "a credential of some length").Info(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pool := certificate(t)
	n := startTest(t, func(c *nodeConfig) { c.TLSCert, c.TLSKey = certFile, keyFile })
	if !strings.HasPrefix(n.Endpoint, "https://") || !strings.HasPrefix(n.Control, "http://") {
		t.Errorf("endpoint %s, control %s", n.Endpoint, n.Control)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	res, err := client.Post(n.Endpoint, "application/x-amz-json-1.1", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.Proto != "HTTP/1.1" || res.Header.Get("x-amzn-ErrorType") != "UnknownOperationException" {
		t.Errorf("%s %s %v", res.Proto, res.Status, res.Header)
	}
	// What net/http answers by itself is an AWS error over TLS too.
	conn, err := tls.Dial("tcp", strings.TrimPrefix(n.Endpoint, "https://"), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "nonsense\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(conn)
	if !strings.Contains(string(b), "MalformedHttpRequestException") {
		t.Errorf("nonsense is answered with %q", b)
	}
}

func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "souk test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(cert)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "EC PRIVATE KEY", keyDER), pool
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*nodeConfig){
		"Regions with a hole":    func(c *nodeConfig) { c.Regions = "us-east-1,,eu-west-1" },
		"quota file not there":   func(c *nodeConfig) { c.Quotas = filepath.Join(t.TempDir(), "none.yaml") },
		"half a certificate":     func(c *nodeConfig) { c.TLSCert = "cert.pem" },
		"token life of a year":   func(c *nodeConfig) { c.TokenLife = 365 * 24 * time.Hour },
		"port taken":             func(c *nodeConfig) { c.Control = "127.0.0.1:99999" },
		"access log in no place": func(c *nodeConfig) { c.AccessLog = filepath.Join(t.TempDir(), "no", "such", "log") },
	} {
		cfg := devConfig()
		change(&cfg)
		if n, err := startNode(context.Background(), cfg, noEnv, io.Discard); err == nil {
			n.Close()
			t.Errorf("%s: started", name)
		}
	}
}

// Each setting that a node has does something.
func TestSettings(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	log := filepath.Join(t.TempDir(), "access.log")
	n := startTest(t, func(c *nodeConfig) {
		c.Regions, c.TokenLife, c.AccessLog, c.FaultSeed, c.Requests, c.PinRegion = "eu-west-1", time.Hour, log, 7, 2, true
	})
	c := controlOf(t, n, "")
	p, err := c.Buy(ctx, admin.PurchaseInput{ProductCode: n.Info().Products[0].ProductCode})
	if err != nil {
		t.Fatal(err)
	}
	if life := time.Until(p.TokenExpiresAt); life > time.Hour || life < 59*time.Minute {
		t.Errorf("token life is %s, want an hour", life)
	}
	if f, err := c.Faults(ctx); err != nil || f.Seed != 7 {
		t.Errorf("fault seed %d, %v", f.Seed, err)
	}
	d := &demo{ctx: ctx, out: io.Discard, node: n, info: n.Info()}
	for range 3 {
		if got := d.resolve("seller", p.RegistrationToken, false); got["__type"] != "DisabledApiException" {
			t.Errorf("us-east-1 is not in the list: %v", got)
		}
	}
	d.info.Region = "eu-west-1"
	if got := d.resolve("seller", p.RegistrationToken, false); got["__type"] != "InvalidSignatureException" || !strings.Contains(got["message"], "valid region") {
		t.Errorf("pinned to us-east-1: %v", got)
	}
	page, err := c.Requests(ctx, admin.RequestQuery{})
	if err != nil || len(page.Requests) != 2 {
		t.Errorf("%d request records, want the newest 2; %v", len(page.Requests), err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(b), "\n") == 4 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("access log:\n%s", b)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A credential that is too short to be one is refused, wherever it comes from.
func TestControlToken(t *testing.T) {
	t.Parallel()
	short, long := filepath.Join(t.TempDir(), "short"), filepath.Join(t.TempDir(), "long")
	for path, token := range map[string]string{short: "x", long: "  sixteen characters at least\n"} {
		if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := func(v string) func(string) string { return func(string) string { return v } }
	for _, tt := range []struct {
		file, env, want string
		ok              bool
	}{
		{"", "", "", true}, {"", "short", "", false}, {"", "sixteen characters at least", "sixteen characters at least", true},
		{short, "", "", false}, {long, "short", "sixteen characters at least", true}, {long + "x", "", "", false},
	} {
		if got, err := controlToken(tt.file, env(tt.env)); (err == nil) != tt.ok || tt.ok && got != tt.want {
			t.Errorf("file %q, variable %q: %q, %v", filepath.Base(tt.file), tt.env, got, err)
		}
	}
}

// A store whose clock was moved is not served by the wall clock.
func TestServeRefusesAMovedClock(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "data")
	cfg := devConfig()
	cfg.Data = dir
	n, err := startNode(ctx, cfg, noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := controlOf(t, n, "").AdvanceClock(ctx, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Mode, cfg.Sample, cfg.Simulation = "serve", false, false
	if n, err := startNode(ctx, cfg, noEnv, io.Discard); err == nil || !strings.Contains(err.Error(), "--simulation") {
		if err == nil {
			n.Close()
		}
		t.Errorf("served without --simulation: %v", err)
	}
}

// An access log on a disk that fails for a while loses the lines of that while, says so once, and goes on.
func TestAccessLogRecovers(t *testing.T) {
	t.Parallel()
	disk := &failingWriter{failing: true}
	var said strings.Builder
	w := &flushWriter{file: disk, buf: bufio.NewWriter(disk), log: slog.New(slog.NewTextHandler(&said, nil))}
	for range 3 {
		_, _ = w.Write([]byte("lost\n"))
		w.flush()
	}
	disk.failing = false
	_, _ = w.Write([]byte("kept\n"))
	w.flush()
	if disk.String() != "kept\n" || strings.Count(said.String(), "lost") != 1 {
		t.Errorf("written %q, said %q", disk.String(), said.String())
	}
}

type failingWriter struct {
	strings.Builder
	failing bool
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.failing {
		return 0, errors.New("no space left")
	}
	return w.Builder.Write(p)
}

// A slow client without the credential does not keep its connection.
func TestControlTimeouts(t *testing.T) {
	t.Parallel()
	n := startTest(t, func(c *nodeConfig) { c.ControlToken, c.ControlTimeout = "sixteen characters at least", time.Second })
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.Control, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /api/v1/purchases HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if b, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection is still open: %v %q", err, b)
	}
}
