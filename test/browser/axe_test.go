package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe-core/axe.min.js
var axeSource string

// violation is what axe-core found against a rule.
type violation struct {
	ID    string
	Help  string
	Nodes []struct {
		Target         []json.RawMessage
		FailureSummary string
	}
}

// accessible has axe-core look at the page as it is. Scripts of the debugger's are not held to the page's Content-Security-Policy.
func accessible(t *testing.T, tab context.Context, how string) {
	t.Helper()
	ask(t, tab, chromedp.Evaluate[chromedp.Void](axeSource+"\n;undefined"))
	found := ask(t, tab, chromedp.Evaluate[[]violation](`axe.run(document, {
		runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
		resultTypes: ["violations"], preload: false,
	}).then((result) => result.violations)`, chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
	for _, v := range found {
		for i, node := range v.Nodes {
			if i == 5 {
				t.Errorf("%s: %s: and %d more", how, v.ID, len(v.Nodes)-i)
				break
			}
			var where []string
			for _, part := range node.Target {
				where = append(where, string(part))
			}
			t.Errorf("%s: %s (%s) at %s\n%s", how, v.ID, v.Help, strings.Join(where, " "), node.FailureSummary)
		}
	}
}

// scheme has the tab prefer light or dark.
func scheme(t *testing.T, tab context.Context, name string) {
	t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		t.Fatal(err)
	}
}

// still fails the test if anything in the page moved while it was loaded.
func still(t *testing.T, tab context.Context, how string) {
	t.Helper()
	shifts := ask(t, tab, chromedp.Evaluate[[]string](`new Promise((resolve) => {
		const seen = [];
		const note = (list) => { for (const e of list) seen.push(e.value.toFixed(4) + " " + e.sources.map((s) => s.node?.outerHTML?.slice(0, 120)).join(" | ")); };
		const observer = new PerformanceObserver((list) => note(list.getEntries()));
		observer.observe({type: "layout-shift", buffered: true});
		setTimeout(() => { note(observer.takeRecords()); resolve(seen); }, 150);
	})`, chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
	for _, s := range shifts {
		t.Errorf("%s: the layout shifted: %s", how, s)
	}
}

const phoneWidth, phoneHeight = 390, 844

// fits fails the test if the page has to be scrolled sideways on a phone.
func fits(t *testing.T, tab context.Context) {
	t.Helper()
	wide := ask(t, tab, chromedp.Evaluate[[]string](`(() => {
		const width = 390;
		if (document.documentElement.scrollWidth <= width) return [];
		const out = ["the page is " + document.documentElement.scrollWidth + " wide"];
		const scrolls = (e) => { for (let p = e.parentElement; p; p = p.parentElement) if (getComputedStyle(p).overflowX !== "visible") return true; return false; };
		for (const e of document.body.querySelectorAll("*")) {
			const box = e.getBoundingClientRect();
			if (box.right > width + 1 && !scrolls(e)) out.push(Math.round(box.right) + " " + e.outerHTML.slice(0, 100));
		}
		return out.slice(0, 6);
	})()`))
	for _, w := range wide {
		t.Errorf("phone: %s", w)
	}
}

// desktop and phone are the sizes that pages are looked at in.
func desktop() step { return chromedp.EmulateViewport(1280, 900) }
func phone() step {
	return chromedp.EmulateViewport(phoneWidth, phoneHeight, chromedp.EmulateMobile, chromedp.EmulateTouch)
}

// pagesLimit is how long looking at all pages may take.
const pagesLimit = 8 * time.Minute

// timezone moves the tab to another place; "" brings it back.
func timezone(t *testing.T, tab context.Context, name string) {
	t.Helper()
	if _, err := chromedp.Call(tab, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: name}); err != nil {
		t.Fatal(err)
	}
}
