package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"
)

//go:embed templates
var templateFiles embed.FS

// pageTemplate is a page inside the frame. It is parsed when it is first asked for, so that starting up does not pay for it.
type pageTemplate func() *template.Template

func loadPages() map[string]pageTemplate {
	pages := map[string]pageTemplate{}
	for _, name := range []string{"products", "product", "product_edit", "sell", "product_try", "offer_edit", "subscriptions", "subscription", "subscription_change", "setup", "unregistered", "usage", "usage_records", "agreements", "agreement", "start",
		"world", "world_account", "world_key", "world_policies", "world_policy", "world_evaluate", "world_clock", "world_faults", "world_snapshots",
		"requests", "request", "sign-in", "error"} {
		pages[name] = sync.OnceValue(func() *template.Template {
			return template.Must(template.ParseFS(templateFiles, "templates/frame.html", "templates/"+name+".html"))
		})
	}
	return pages
}

// Content security policies. No page takes anything from elsewhere, runs inline code, or can be framed.
const (
	// plainPolicy is for pages without a script of their own, which is most of them.
	plainPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// scriptPolicy is for pages with a script of their own, which may ask this server for news and nobody else.
	scriptPolicy = plainPolicy + "; connect-src 'self'"
	// setupPolicy lets the form go to any seller's site, and on from there: browsers hold form-action to redirects as well.
	setupPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action http: https:; base-uri 'none'; frame-ancestors 'none'"
)

// response is one page to be answered with.
type response struct {
	status  int
	page    string // template
	title   string
	section string // of the navigation: "products", "subscriptions", or ""
	style   string // name of a static file, beside console.css; "" for none
	script  string // name of a static file; "" for none
	// secret pages hold a registration token: they are kept nowhere, say to nobody where they were, and run the script that submits their form.
	secret bool
	once   bool // the page can be seen once, and is kept nowhere
	body   any
}

// frame is what templates/frame.html gets.
type frame struct {
	Title   string
	Section string
	Style   string
	Sheet   string // the page's own, beside Style; "" for none
	Script  string // the page's own; "" for none
	Time    string // the script that all pages but secret ones have
	Icon    string
	Now     moment
	Viewer  string // who looks; "" where nobody is asked
	SignOut bool   // there is a session to end
	Signed  string // the style sheet for that
	Body    any
	// Newcomer leads whoever comes first to the page to start with.
	Newcomer bool

	by viewer
}

// Sees says whether a page of the navigation is one for who looks.
func (f frame) Sees(path string) bool { return f.by.sees("GET " + path) }

// render answers with a page. A page that does not come out whole is not begun.
func (c *Console) render(w http.ResponseWriter, resp response) error {
	f := frame{
		Title: resp.title, Section: resp.section, Body: resp.body, Now: momentOf(c.service.Now()),
		Style: c.assets.url("console.css"), Icon: c.assets.url("icon.svg"), Sheet: c.assets.url(resp.style), Script: c.assets.url(resp.script),
		Time: c.assets.url("time.js"),
	}
	f.by = viewerOf(w)
	if f.Viewer, f.SignOut = f.by.name, f.by.out; f.Viewer != "" {
		f.Signed = c.assets.url("signin.css")
	}
	f.Newcomer = resp.page == "products" && f.Sees("/start") && c.newcomer()
	h := w.Header()
	policy, cache, referrer := plainPolicy, "private, no-cache", "same-origin"
	if resp.script != "" {
		policy = scriptPolicy
	}
	if resp.secret {
		policy, cache, referrer = setupPolicy, "no-store", "strict-origin" // not no-referrer: with that the form comes from Origin "null"
		f.Script, f.Time = c.assets.url("setup.js"), ""
	}
	if resp.once {
		cache = "no-store"
	}
	var b bytes.Buffer
	if err := c.pages[resp.page]().ExecuteTemplate(&b, "frame", f); err != nil {
		return fmt.Errorf("console: render page %s: %w", resp.page, err)
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", cache)
	h.Set("Referrer-Policy", referrer)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(resp.status)
	w.Write(b.Bytes())
	return nil
}
