package registration

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

//go:embed assets
var assets embed.FS

// policy lets a page load its style sheet and submit to itself, and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pages holds the templates. They are parsed when the first page is asked for: a command that only starts up does not pay for them.
type pages struct {
	templates func() *template.Template
	css       []byte
	version   string // of the style sheet, in its URL, so that browsers can keep it for good
	path      string
	seller    string
}

func newPages(path, seller string) *pages {
	css, err := assets.ReadFile("assets/style.css")
	if err != nil {
		panic(fmt.Sprintf("registration: embedded style sheet: %v", err)) // unreachable unless the build left it out
	}
	sum := sha256.Sum256(css)
	return &pages{
		templates: sync.OnceValue(func() *template.Template {
			t := template.New("").Funcs(template.FuncMap{"emailOf": emailOf, "code": code})
			return template.Must(t.ParseFS(assets, "assets/*.html"))
		}),
		css: css, version: hex.EncodeToString(sum[:6]), path: path, seller: seller,
	}
}

// view is what every template gets.
type view struct {
	Title, Path, Seller, Version string
	Data                         any
}

// emailOf is the view of the e-mail form inside another page.
func emailOf(path string, form emailForm) view { return view{Path: path, Data: form} }

// code escapes text, and sets what stands between backquotes as code.
func code(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if part = template.HTMLEscapeString(part); i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String())
}

func (p *pages) render(w http.ResponseWriter, status int, name, title string, data any) {
	var b bytes.Buffer
	err := p.templates().ExecuteTemplate(&b, name, view{Title: title, Path: p.path, Seller: p.seller, Version: p.version, Data: data})
	if err != nil {
		panic(fmt.Sprintf("registration: page %s: %v", name, err)) // unreachable unless a template and its data disagree
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

func (p *pages) style(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(p.css)))
	h.Set("X-Content-Type-Options", "nosniff")
	if r.URL.Query().Get("v") == p.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	w.Write(p.css)
}
