// Package attack is a siege of running souks, over their sockets and as a stranger would lay it: forged signatures, tokens of others, one seller against
// another, policies that look alike, floods, browsers of other origins, texts that want to be code. Each attack must fail with the error that AWS has for it, and
// its honest neighbour, which differs in nothing but the attack, must succeed: a server that refuses everything does not pass.
//
// Each case names the guard that it is about, as file and function. To see a test fail, take the guard out.
package attack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	_ "embed"

	"github.com/souk-market/souk/test/process"
)

func TestMain(m *testing.M) {
	code := m.Run()
	process.RemoveBinary()
	os.Exit(code)
}

//go:embed testdata/world.yaml
var world []byte

// The keys of testdata/world.yaml.
var (
	victim    = key{id: "AKIAATTACKVICTIM0001", secret: "attack/suite/victim/NOT+A+SECRET/0000001"}
	rival     = key{id: "AKIAATTACKRIVAL00001", secret: "attack/suite/rival//NOT+A+SECRET/0000001"}
	buyer     = key{id: "AKIAATTACKBUYER00001", secret: "attack/suite/buyer//NOT+A+SECRET/0000001"}
	suspended = key{id: "AKIAATTACKSUSPEND001", secret: "attack/suite/susp///NOT+A+SECRET/0000001"}
	inactive  = key{id: "AKIAATTACKINACTIVE01", secret: "attack/suite/inact//NOT+A+SECRET/0000001"}
)

// Its accounts, products and roles.
const (
	victimAccount    = "100000000001"
	rivalAccount     = "100000000002"
	buyerAccount     = "200000000001"
	bystanderAccount = "200000000002"

	victimLegacy = "victimlegacy0000000000001"
	victimVault  = "victimvault00000000000001"
	victimOnce   = "victimonce000000000000001" // its tokens are for single use
	rivalLegacy  = "rivallegacy00000000000001"
	rivalVault   = "rivalvault000000000000001"

	victimRole    = "arn:aws:iam::100000000001:role/App"
	rivalRole     = "arn:aws:iam::100000000002:role/App"
	buyerTask     = "arn:aws:iam::200000000001:role/Task"
	bystanderTask = "arn:aws:iam::200000000002:role/Task"
)

// controlToken is the credential of the control listener of the Souk that has one.
const controlToken = "the-operators-own-credential"

// siege is what is attacked.
type siege struct {
	dev  *souk // `souk dev`: the sample marketplace is there too, and the control listener asks for no credential
	far  *souk // another Souk, with keys of its own for tokens; `dev --auth relaxed`
	lit  *souk // `souk serve`, on disk, pinned to us-east-1, with a moveable clock and a control credential
	kept *souk // `souk serve`, not started: for whoever steals what it leaves behind
}

// Three processes, shared by all families, which run side by side.
func TestAttack(t *testing.T) {
	s := besiege(t)
	for _, family := range []struct {
		name   string
		attack func(*testing.T, *siege)
	}{
		{"slow", slowClients}, // half a minute, in which all others are through
		{"signature", signatures}, {"replay", replays}, {"token", tokens}, {"tenant", tenants}, {"policy", policies}, {"flood", floods},
		{"browser", browsers}, {"injection", injections}, {"store", stolenStore},
	} {
		t.Run(family.name, func(t *testing.T) {
			t.Parallel()
			family.attack(t, s)
		})
	}
}

func besiege(t *testing.T) *siege {
	t.Helper()
	data, kept, token := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "kept"), filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(controlToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	soukCommand(t, "init", "--data", data)
	soukCommand(t, "init", "--data", kept)
	s := &siege{
		dev:  prepare(t, "", "dev"),
		far:  prepare(t, "", "dev", "--auth", "relaxed"),
		lit:  prepare(t, controlToken, "serve", "--data", data, "--control-token-file", token, "--simulation", "--pin-region"),
		kept: prepare(t, "", "serve"),
	}
	s.kept.data = kept
	var wg sync.WaitGroup
	for _, k := range []*souk{s.dev, s.far, s.lit} {
		wg.Go(func() { k.start(t) })
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, k := range []*souk{s.dev, s.far, s.lit} {
		k.apply(t, world)
	}
	return s
}

// souk is a running process with its logs in files.
type souk struct {
	*process.Souk
	credential string // of the control listener; "": none is asked for
	access     string // file of the access log
	stderr     string // file of everything else that it says
	script     string
	args       []string
	data       string // directory of the store, where a family asks for it
}

// prepare writes the script that starts a Souk with its standard error in a file. It must be there before anything else is started: a file that a child of ours
// still has open for writing cannot be run.
func prepare(t *testing.T, credential string, args ...string) *souk {
	t.Helper()
	binary, err := process.Binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &souk{credential: credential, access: filepath.Join(dir, "access.log"), stderr: filepath.Join(dir, "stderr.log"), script: filepath.Join(dir, "souk.sh")}
	s.args = append(args, "--quotas", "off", "--requests", "5000", "--access-log", s.access)
	text := fmt.Sprintf("#!/bin/sh\nSOUK_LOG_LEVEL=debug exec '%s' \"$@\" 2>'%s'\n", binary, s.stderr)
	if err := os.WriteFile(s.script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

// start starts it. It is called from other goroutines than the test's.
func (s *souk) start(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var err error
	if s.Souk, err = process.StartBinary(ctx, s.script, s.args...); err != nil {
		said, _ := os.ReadFile(s.stderr)
		t.Errorf("start souk %v: %v\n%s", s.args, err, said)
		return
	}
	t.Cleanup(func() { // of besiege's: when all families are through
		if s.Souk != nil {
			s.stop(t)
		}
	})
}

// stop ends it, and looks at what it leaves behind.
func (s *souk) stop(t *testing.T) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	s.Souk = nil
	s.checkLogs(t)
}

// A line of log/slog's text handler: anything that is not printable stands in quotes, escaped.
var (
	logLine   = regexp.MustCompile(`^time=\S+ level=[A-Z]+ msg=(\S+|".*")( [\w.]+=([^\s"]*|"(\\.|[^"\\])*"))*$`)
	printable = regexp.MustCompile(`^[\x20-\x7e\x{a1}-\x{2027}\x{2030}-\x{fffd}]*$`)
)

// checkLogs reads what a Souk has left behind: nobody brought a handler to panic, and no text of a stranger left its line.
func (s *souk) checkLogs(t *testing.T) {
	said, err := os.ReadFile(s.stderr)
	if err != nil {
		t.Error(err)
	}
	for text := range bytes.Lines(said) {
		l := strings.TrimSuffix(string(text), "\n")
		if strings.Contains(l, "panic") {
			t.Errorf("the server panicked: %.2000s", l)
		}
		if !logLine.MatchString(l) || !printable.MatchString(l) {
			t.Errorf("not a line of the log: %.500q\nguard: cmd/souk/serve.go:startNode (slog.NewTextHandler)", l)
		}
	}
	lines, err := os.ReadFile(s.access)
	if err != nil {
		t.Error(err)
	}
	for text := range bytes.Lines(lines) {
		checkAccessLine(t, bytes.TrimSuffix(text, []byte("\n")))
	}
}

// checkAccessLine holds a line of the access log to being one object of JSON, without anything that a terminal obeys.
func checkAccessLine(t *testing.T, text []byte) {
	t.Helper()
	const guard = "internal/reqlog/line.go:appendEscaped"
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&members); err != nil || d.InputOffset() != int64(len(text)) {
		t.Errorf("not a line of the access log: %v: %.500q\nguard: %s", err, text, guard)
		return
	}
	if members["msg"] != "request" || members["level"] != "INFO" {
		t.Errorf("a line of the access log says that it is something else: %.500q\nguard: %s", text, guard)
	}
	if !printable.Match(text) {
		t.Errorf("a line of the access log has characters that a terminal obeys: %.500q\nguard: %s", text, guard)
	}
}

// soukCommand runs the binary as a user does, and returns what it printed.
func soukCommand(t testing.TB, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := soukProcess(t, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("souk %v: %v\n%s", args, err, stderr.Bytes())
	}
	return stdout.String()
}

func soukProcess(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := process.Binary()
	if err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), binary, args...)
}

// address is the AWS face's, as a Host header has it.
func (s *souk) address() string { return strings.TrimPrefix(s.Endpoint, "http://") }

// gate is that of the control listener.
func (s *souk) gate() string { return strings.TrimPrefix(s.Control, "http://") }

// ask makes a request of the control listener, with its credential, and returns the answer's status and body.
func (s *souk) ask(t testing.TB, method, path, contentType string, body []byte) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.Control+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if s.credential != "" {
		req.Header.Set("Authorization", "Bearer "+s.credential)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}

// do is ask in JSON, for what must succeed.
func (s *souk) do(t testing.TB, method, path string, in, out any) {
	t.Helper()
	var body []byte
	media := ""
	if in != nil {
		body, media = encode(in), "application/json"
	}
	status, answer := s.ask(t, method, path, media, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, answer)
		}
	}
}

func (s *souk) apply(t testing.TB, file []byte) {
	t.Helper()
	if status, answer := s.ask(t, http.MethodPut, "/api/v1/world", "application/yaml", file); status != http.StatusOK {
		t.Fatalf("apply a world: %d %s", status, answer)
	}
}

// buy buys a product for an account.
func (s *souk) buy(t testing.TB, product, account string) (p process.Purchase) {
	t.Helper()
	s.do(t, http.MethodPost, "/api/v1/purchases", map[string]string{"product_code": product, "buyer": account}, &p)
	return p
}

// session issues temporary credentials of a role.
func (s *souk) session(t testing.TB, role, name, life string) key {
	t.Helper()
	var out struct {
		ID     string `json:"access_key_id"`
		Secret string `json:"secret_access_key"`
		Token  string `json:"session_token"`
	}
	s.do(t, http.MethodPost, "/api/v1/sessions", map[string]string{"role_arn": role, "session_name": name, "duration": life}, &out)
	return key{id: out.ID, secret: out.Secret, session: out.Token}
}

// resolve is a call of ResolveCustomer.
func resolve(s *souk, k key, token string) *forgery {
	return call(s, k, "ResolveCustomer", map[string]string{"RegistrationToken": token})
}
