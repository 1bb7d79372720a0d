// Package browser drives a headless Chromium through a running souk: what buyers, sellers and developers do, on the pages that they see.
package browser

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/test/process"
)

func TestMain(m *testing.M) {
	code := m.Run()
	process.RemoveBinary()
	os.Exit(code)
}

// chromium finds the browser, or skips; in CI its absence is a failure.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no Chromium is installed")
	}
	t.Skip("no Chromium is installed: the browser tests do not run")
	return ""
}

// start runs a souk and a browser tab. The test fails on any console error, and on any request that leaves the machine.
func start(t *testing.T) (context.Context, *process.Souk) {
	t.Helper()
	return startFor(t, 2*time.Minute, "dev")
}

func startFor(t *testing.T, limit time.Duration, args ...string) (context.Context, *process.Souk) {
	t.Helper()
	path := chromium(t)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	souk, err := process.Start(ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := souk.Stop(); err != nil {
			t.Error(err)
		}
	})
	alloc, cancelAlloc := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1280, 900))...)
	t.Cleanup(cancelAlloc)
	tab, cancelTab := chromedp.NewContext(alloc)
	t.Cleanup(cancelTab)
	return watched(t, tab), souk
}

// refusals are the addresses that a test asks for knowing that the answer is an error, which browsers log as one.
type refusals struct {
	mu   sync.Mutex
	urls map[string]bool
}

type refusalsKey struct{}

// mayRefuse says that the answer from an address may be an error.
func mayRefuse(tab context.Context, address string) {
	r := tab.Value(refusalsKey{}).(*refusals)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.urls[address] = true
}

// watched has the test fail on whatever goes wrong in the tab, and starts the browser if it does not run yet.
func watched(t *testing.T, tab context.Context) context.Context {
	t.Helper()
	known := &refusals{urls: map[string]bool{}}
	tab = context.WithValue(tab, refusalsKey{}, known)
	expected := func(e *log.Entry) bool {
		known.mu.Lock()
		defer known.mu.Unlock()
		return e.Source == "network" && known.urls[e.URL]
	}
	err := chromedp.Listen(tab, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("exception in the page: %s", e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			if e.Type == "error" {
				t.Errorf("console error: %v", e.Args)
			}
		case *log.EventEntryAdded:
			if e.Entry.Level == "error" && !expected(e.Entry) {
				t.Errorf("browser log: %s %s", e.Entry.Text, e.Entry.URL)
			}
		case *network.EventRequestWillBeSent:
			u, err := url.Parse(e.Request.URL)
			if err != nil || u.Scheme != "data" && u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost" {
				t.Errorf("the page asks for %s", e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return tab
}

// withoutScripts turns JavaScript off, in all pages that the tab loads from now on.
func withoutScripts(t *testing.T, tab context.Context) {
	t.Helper()
	if _, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
}

type step = chromedp.Action[chromedp.Void]

func run(t *testing.T, tab context.Context, steps ...step) {
	t.Helper()
	ask(t, tab, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error { return chromedp.Do(ctx, steps...) }))
}

// ask runs an action and returns what it found; a failure shows the page.
func ask[T any](t *testing.T, tab context.Context, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		again, cancel := context.WithTimeout(tab, 5*time.Second)
		defer cancel()
		where, _ := chromedp.Run(again, chromedp.Location())
		text, _ := chromedp.Run(again, chromedp.Text(chromedp.CSS("body")))
		t.Fatalf("%v\nat %s:\n%.2000s", err, where, text)
	}
	return v
}

func click(xpath string) step           { return chromedp.Click(chromedp.Search(xpath)) }
func visible(xpath string) step         { return chromedp.WaitVisible(chromedp.Search(xpath)) }
func shown(css string) step             { return chromedp.WaitVisible(chromedp.CSS(css)) }
func location() chromedp.Action[string] { return chromedp.Location() }
func mainText() chromedp.Action[string] { return chromedp.Text(chromedp.CSS("main")) }

// says fails the test for each text that the page's main part does not have.
func says(t *testing.T, tab context.Context, texts ...string) {
	t.Helper()
	text := ask(t, tab, mainText())
	for _, want := range texts {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%.3000s", want, text)
		}
	}
}

// until waits for an expression of JavaScript to become true, without the page being loaded again.
func until(t *testing.T, tab context.Context, expression string) {
	t.Helper()
	ask(t, tab, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(100*time.Millisecond), chromedp.WithPollingTimeout(20*time.Second)))
}

// mark leaves something in the page that a reload would take away; marked tells whether it is still there.
func mark(t *testing.T, tab context.Context) {
	t.Helper()
	ask(t, tab, chromedp.Evaluate[bool](`window.marked = true`))
}

func marked(t *testing.T, tab context.Context) {
	t.Helper()
	if !ask(t, tab, chromedp.Evaluate[bool](`window.marked === true`)) {
		t.Error("the page was loaded again")
	}
}

// evaluate is the text that an expression of JavaScript comes to.
func evaluate(t *testing.T, tab context.Context, expression string) string {
	t.Helper()
	return ask(t, tab, chromedp.Evaluate[string](expression))
}

// left waits until the tab is on another page, and returns where.
func left(t *testing.T, tab context.Context, from string) string {
	t.Helper()
	for range 100 {
		if where := ask(t, tab, location()); where != from {
			run(t, tab, shown("main h1"))
			return where
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("the tab stays on %s", from)
	return ""
}
