package browser

import (
	"context"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/test/process"
	"github.com/souk-market/souk/test/site"
)

// filled is a souk with a past, and a tab to look at it with.
func filled(t *testing.T) (context.Context, *process.Souk, *site.Site) {
	t.Helper()
	tab, souk := startFor(t, pagesLimit, site.Args()...)
	world, err := site.Fill(tab, souk)
	if err != nil {
		t.Fatal(err)
	}
	return tab, souk, world
}

// Each page: nothing moves while it loads, it fits a phone, and people with a screen reader or weak eyes can use it, in light and dark.
func TestPages(t *testing.T) {
	t.Parallel()
	tab, souk, world := filled(t)
	for _, p := range world.Pages() {
		t.Run(p.Name, func(t *testing.T) {
			address := souk.Control + p.Path
			if p.Status >= http.StatusBadRequest {
				mayRefuse(tab, address)
			}
			scheme(t, tab, "light")
			run(t, tab, desktop(), chromedp.Navigate(address), shown("main h1"))
			if status := ask(t, tab, chromedp.Evaluate[int](`performance.getEntriesByType("navigation")[0].responseStatus`)); status != p.Status {
				t.Errorf("status %d, want %d", status, p.Status)
			}
			still(t, tab, "desktop")
			accessible(t, tab, "light")
			scheme(t, tab, "dark")
			accessible(t, tab, "dark")
			run(t, tab, phone(), chromedp.Navigate(address), shown("main h1"))
			still(t, tab, "phone")
			fits(t, tab)
			accessible(t, tab, "phone, dark")
			scheme(t, tab, "light")
			accessible(t, tab, "phone, light")
		})
	}
}

// Without JavaScript every page says what it says with it.
func TestPagesWithoutJavaScript(t *testing.T) {
	t.Parallel()
	tab, souk, world := filled(t)
	withoutScripts(t, tab)
	for _, p := range world.Pages() {
		t.Run(p.Name, func(t *testing.T) {
			address := souk.Control + p.Path
			if p.Status >= http.StatusBadRequest {
				mayRefuse(tab, address)
			}
			run(t, tab, chromedp.Navigate(address), shown("main h1"), shown("footer time"))
		})
	}
}
