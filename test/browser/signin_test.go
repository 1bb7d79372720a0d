package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/test/process"
)

// Where souk is served, whoever looks is asked who they are, and the dev-only pages are not there.
func TestSignIn(t *testing.T) {
	t.Parallel()
	const secret = "the control token of this test"
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	binary, err := process.Binary()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(binary, "init", "--data", filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("souk init: %v\n%s", err, out)
	}
	tab, souk := startFor(t, 2*time.Minute, "serve", "--data", filepath.Join(dir, "data"), "--control-token-file", token)
	form := souk.Control + "/sign-in?to=%2Fworld"
	run(t, tab, desktop(), chromedp.Navigate(souk.Control+"/world"), shown("#secret"))
	if where := ask(t, tab, location()); where != form {
		t.Errorf("asked at %s, want %s", where, form)
	}
	still(t, tab, "desktop")
	for _, name := range []string{"light", "dark"} {
		scheme(t, tab, name)
		accessible(t, tab, name)
	}
	run(t, tab, phone(), chromedp.Navigate(form), shown("#secret"))
	fits(t, tab)
	mayRefuse(tab, souk.Control+"/sign-in")
	run(t, tab, chromedp.SendKeys(chromedp.CSS("#secret"), "not it\r"), shown("#sign-in-problem"))
	accessible(t, tab, "refused")
	run(t, tab, chromedp.SendKeys(chromedp.CSS("#secret"), secret+"\r"), visible(`//h1[.="World"]`), visible(`//button[normalize-space()="Sign out"]`))
	fits(t, tab)
	for _, path := range []string{"/world/clock", "/world/faults"} {
		mayRefuse(tab, souk.Control+path)
		run(t, tab, chromedp.Navigate(souk.Control+path), shown("main h1"))
		says(t, tab, "Error 404")
	}
	run(t, tab, chromedp.Navigate(souk.Control+"/world"), click(`//button[normalize-space()="Sign out"]`), shown("#secret"), chromedp.Navigate(souk.Control+"/world"), shown("#secret"))
}
