package browser

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focused tells what has the focus, by the text that a screen reader would read of it.
const focused = `((e) => e === document.body ? "" : (e.getAttribute("aria-label") || e.labels?.[0]?.innerText || e.innerText || e.name || e.tagName).replace(/\s+/g, " ").trim())(document.activeElement)`

func press(keys string) step { return chromedp.KeyEvent(keys) }

// tabTo goes on with the Tab key until what has the focus starts with the text. Whatever has it on the way can be seen to have it.
func tabTo(t *testing.T, tab context.Context, text string) {
	t.Helper()
	var passed []string
	for range 60 {
		run(t, tab, press(kb.Tab))
		at := evaluate(t, tab, focused)
		if ring := evaluate(t, tab, `((e) => e.matches(":focus-visible") ? getComputedStyle(e).outlineStyle + getComputedStyle(e, "::after").outlineStyle : "none")(document.activeElement)`); at != "" && !slices.Contains([]string{"solidsolid", "solidnone", "nonesolid", "autonone", "autoauto"}, ring) {
			t.Errorf("%q has the focus, and nothing shows it: %s", at, ring)
		}
		if len(at) >= len(text) && at[:len(text)] == text {
			return
		}
		passed = append(passed, at)
	}
	t.Fatalf("the Tab key does not lead to %q, but to %q", text, passed)
}

// Who has no mouse: past the navigation to the content, through the page in its order, and a subscription bought and set up.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	tab, souk := start(t)
	run(t, tab, chromedp.Navigate(souk.Control+"/"), shown("main h1"))
	var order []string
	for range 10 {
		run(t, tab, press(kb.Tab))
		order = append(order, evaluate(t, tab, focused))
	}
	if want := []string{"Skip to content", "Souk", "Start", "Products", "Sell", "Subscriptions", "Agreements", "Usage", "Requests", "World"}; !slices.Equal(order, want) {
		t.Errorf("the Tab key goes %q, want %q", order, want)
	}
	run(t, tab, chromedp.Navigate(souk.Control+"/"), shown("main h1"), press(kb.Tab))
	if box := ask(t, tab, chromedp.Evaluate[bool](`document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().top >= 0`)); !box {
		t.Error("the link that skips to the content is not the first, or not to be seen when it has the focus")
	}
	run(t, tab, press(kb.Enter))
	until(t, tab, `location.hash === "#content" && document.activeElement.id === "content"`)
	tabTo(t, tab, "Sample Vault")
	run(t, tab, press(kb.Enter), visible(`//h1[contains(., "Sample Vault")]`))
	tabTo(t, tab, "AnyCompany")
	run(t, tab, press(kb.ArrowDown)) // to the next buyer
	tabTo(t, tab, "Yearly contract")
	tabTo(t, tab, "Seats")
	run(t, tab, press("12"))
	tabTo(t, tab, "Subscribe")
	run(t, tab, press(kb.Enter), visible(setUp))
	says(t, tab, "Sample Vault", "Example Corp", "777788889999", "12")
	tabTo(t, tab, "Set up your account")
	run(t, tab, press(kb.Enter), shown(".facts"))
	if n := resolved(t, souk); n != 1 {
		t.Errorf("%d calls of ResolveCustomer, want 1", n)
	}
	run(t, tab, chromedp.Navigate(fmt.Sprintf("%s/requests", souk.Control)), shown("#rows tr"))
	tabTo(t, tab, "ResolveCustomer")
	run(t, tab, press(kb.Enter), visible(`//h1[.="ResolveCustomer"]`))
}
