// Command shots takes screenshots of every page of the console, with the same marketplace on them each time: at the width of a desktop and of
// a phone, light and dark. It needs a Chromium.
//
//	go run ./test/shots -out DIR
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/test/process"
	"github.com/souk-market/souk/test/site"
)

func main() {
	out := flag.String("out", "", "directory to put the pictures into; it is made if need be")
	window := flag.Bool("window", false, "only what a window shows at first, not the whole page")
	only := flag.String("only", "", "only the pages whose names start like this")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := shoot(ctx, *out, *only, *window)
	process.RemoveBinary()
	if err != nil {
		fmt.Fprintln(os.Stderr, "shots:", err)
		stop()
		os.Exit(1)
	}
}

// shoot fills a Souk, and takes the pictures of it.
func shoot(ctx context.Context, dir, only string, window bool) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	souk, err := process.Start(ctx, site.Args()...)
	if err != nil {
		return err
	}
	defer func() {
		if stopped := souk.Stop(); err == nil {
			err = stopped
		}
	}()
	world, err := site.Fill(ctx, souk)
	if err != nil {
		return err
	}
	tab, closeTab, err := browser(ctx)
	if err != nil {
		return err
	}
	defer closeTab()
	taken := 0
	for _, p := range world.Pages() {
		if err := warm(ctx, souk.Control+p.Path); err != nil {
			return err
		}
	}
	for _, p := range world.Pages() {
		if !strings.HasPrefix(p.Name, only) {
			continue
		}
		for _, v := range views() {
			picture, err := v.take(tab, souk.Control+p.Path, window)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", p.Name, v, err)
			}
			if err := os.WriteFile(filepath.Join(dir, p.Name+"-"+v.String()+".png"), picture, 0o644); err != nil {
				return err
			}
			taken++
		}
	}
	fmt.Printf("%d pictures in %s\n", taken, dir)
	return nil
}

// warm asks for a page once: some figures are added up when somebody first looks.
func warm(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// browser starts a Chromium.
func browser(ctx context.Context) (tab context.Context, closeTab func(), err error) {
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("find Chromium: %w", err)
	}
	profile, err := os.MkdirTemp("", "souk-shots-")
	if err != nil {
		return nil, nil, err
	}
	alloc, cancelAlloc := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile), chromedp.Flag("hide-scrollbars", true))...)
	tab, cancelTab := chromedp.NewContext(alloc)
	return tab, func() { cancelTab(); cancelAlloc(); _ = os.RemoveAll(profile) }, nil
}

// view is a way to look at a page.
type view struct {
	device, scheme string
	width, height  int64
}

func views() (list []view) {
	for _, scheme := range []string{"light", "dark"} {
		list = append(list, view{"desktop", scheme, 1280, 900}, view{"phone", scheme, 390, 844})
	}
	return list
}

func (v view) String() string { return v.device + "-" + v.scheme }

// take is the page as a PNG.
func (v view) take(tab context.Context, address string, window bool) ([]byte, error) {
	var options []chromedp.EmulateViewportOption
	if v.device == "phone" {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: v.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, media); err != nil {
		return nil, err
	}
	prepare := chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		return chromedp.Do(ctx, chromedp.EmulateViewport(v.width, v.height, options...), chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS("main h1")))
	})
	if _, err := chromedp.Run(tab, prepare); err != nil {
		return nil, err
	}
	// A headless browser has no scroll bar to put where pages keep room for one. Some pages say more once they have heard from the server.
	settled := chromedp.Evaluate[chromedp.Void](`document.documentElement.style.scrollbarGutter = "auto", document.fonts.ready.then(() => new Promise((resolve) => setTimeout(resolve, 250))).then(() => true)`, chromedp.EvalAwaitPromise)
	if _, err := chromedp.Run(tab, settled); err != nil {
		return nil, err
	}
	if window {
		return chromedp.Run(tab, chromedp.CaptureScreenshot())
	}
	return chromedp.Run(tab, chromedp.FullScreenshot(100))
}
