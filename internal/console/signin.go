package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// SignIn has the pages ask who looks: with the control token somebody is the operator, and with an access key whoever the key is of.
type SignIn struct {
	// Token is the control token; "": there is none, and so nobody who looks at pages is the operator.
	Token string
	// Wait is what a failed attempt costs; 0: DefaultWait.
	Wait time.Duration
}

// DefaultWait is long enough for a guess to cost something, and short enough for who mistyped.
const DefaultWait = 300 * time.Millisecond

// signInPage is the form.
type signInPage struct {
	KeyID    string // as it was sent
	To       string
	Problem  string
	HasToken bool // there is a control token to sign in with
}

// signInPath is where the form is.
const signInPath = "/sign-in"

// openPage reports whether a page asks nobody who they are.
func openPage(pattern string) bool {
	return pattern == signInPath || pattern == "/sign-out" || pattern == "/assets/{name}"
}

// admit finds out who looks, and whether the page is for them. Where it is not, it has answered, and ok is false.
func (c *Console) admit(w http.ResponseWriter, r *http.Request, method, pattern string) (_ http.ResponseWriter, _ *http.Request, ok bool) {
	if c.door == nil {
		w, r = view(w, r, house())
		return w, r, true
	}
	v, ok := c.viewer(r)
	if openPage(pattern) {
		w, r = view(w, r, v)
		return w, r, true
	}
	switch page := method + " " + pattern; {
	case !ok:
		c.askWho(w, r)
		return w, r, false
	case !v.sees(page):
		w, r = view(w, r, v)
		c.fail(w, r, notYours(v, page))
		return w, r, false
	}
	w, r = view(w, r, v)
	return w, r, true
}

// askWho sends browsers to the form, and answers everything else with 401.
func (c *Console) askWho(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Header.Get("Authorization") == "" && strings.Contains(r.Header.Get("Accept"), "text/html") {
		to := "/"
		if r.Method == http.MethodGet { // a form that was sent is not sent again
			to = ownPath(r.URL.RequestURI())
		}
		http.Redirect(w, r, signInPath+"?"+url.Values{"to": {to}}.Encode(), http.StatusSeeOther)
		return
	}
	if r.Header.Get("Sec-Fetch-Mode") == "" && c.door.token.set { // browsers would ask with a window of their own, over the page
		w.Header().Set("WWW-Authenticate", `Basic realm="Souk control", charset="UTF-8"`)
	}
	http.Error(w, "sign in at "+signInPath, http.StatusUnauthorized)
}

// ownPath is an address of this console to go to, and "/" for everything that might be anything else to a browser.
func ownPath(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || len(to) > 2048 {
		return "/"
	}
	for _, b := range []byte(to) {
		if b <= ' ' || b >= 0x7f || b == '\\' { // browsers drop tabs and line breaks, and take \ for /
			return "/"
		}
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Path == signInPath || u.Path == "/sign-out" || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	return to
}

// signInForm is the page with the form.
func (c *Console) signInForm(w http.ResponseWriter, r *http.Request) error {
	if c.door == nil {
		return noPage(w, r)
	}
	return c.showSignIn(w, http.StatusOK, signInPage{To: ownPath(r.URL.Query().Get("to"))})
}

func (c *Console) showSignIn(w http.ResponseWriter, status int, page signInPage) error {
	page.HasToken = c.door.token.set
	return c.render(w, response{status: status, page: "sign-in", title: "Sign in", once: true, body: page})
}

// signIn takes a credential, and begins a session.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) error {
	if c.door == nil {
		return noPage(w, r)
	}
	if err := parseForm(r); err != nil {
		return err
	}
	page := signInPage{KeyID: strings.TrimSpace(r.PostForm.Get("key")), To: ownPath(r.PostForm.Get("to"))}
	secret := r.PostForm.Get("secret")
	if len(page.KeyID) > 128 || len(secret) > 1024 {
		page.KeyID, page.Problem = "", "That is longer than any credential."
		return c.showSignIn(w, http.StatusUnprocessableEntity, page)
	}
	if !c.door.attempts.take(r.RemoteAddr, c.door.now()) {
		w.Header().Set("Retry-After", "60")
		page.Problem = "Too many attempts came from your address. Try again in a minute."
		return c.showSignIn(w, http.StatusTooManyRequests, page)
	}
	session, ok := c.door.check(r.Context(), page.KeyID, secret)
	if !ok {
		select { // guessing takes its time
		case <-time.After(c.door.wait):
		case <-r.Context().Done():
		}
		page.Problem = "That did not let you in. Either the two do not belong together, or the key is inactive, or its account is suspended."
		return c.showSignIn(w, http.StatusUnprocessableEntity, page)
	}
	c.door.attempts.forget(r.RemoteAddr)
	cookie, err := c.door.seal(session, r)
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	to := page.To
	if v, ok := c.door.viewerOf(session, r); ok && to == "/" {
		to = v.home()
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// home is the first page of the navigation that the viewer may see.
func (v viewer) home() string {
	for _, path := range []string{"/{$}", "/agreements", "/usage", "/world"} {
		if v.sees("GET " + path) {
			return strings.TrimSuffix(path, "{$}")
		}
	}
	return "/"
}

// signOut ends the browser's session.
func (c *Console) signOut(w http.ResponseWriter, r *http.Request) error {
	if c.door == nil {
		return noPage(w, r)
	}
	cookie := c.door.cookie("", r)
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, signInPath, http.StatusSeeOther)
	return nil
}

// SignedIn reports whether a request comes from somebody who is signed in: for what stands beside the console and belongs to it. Where nobody is asked
// to sign in, everybody is.
func (c *Console) SignedIn(r *http.Request) bool {
	if c.door == nil {
		return true
	}
	_, ok := c.viewer(r)
	return ok
}

// Answers reports whether a request is for one of the console's pages, which ask who looks by themselves, where they are told to. mux is what they were
// registered on.
func (c *Console) Answers(mux *http.ServeMux, r *http.Request) bool {
	if c.door == nil {
		return false
	}
	_, pattern := mux.Handler(r)
	return c.patterns[pattern]
}
