package registration

import (
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/sigv4"
)

// DefaultPath is where a Page stands on its listener unless its configuration says otherwise.
const DefaultPath = "/register"

// maxForm bounds what a Page reads of a POST, in bytes. The form of AWS Marketplace has less than a kilobyte.
const maxForm = 64 << 10

// PageConfig is what a Page is made of. Endpoint, Region and Key are required.
type PageConfig struct {
	// Endpoint gives the URL of the AWS face. It is asked at every call, because a listener on port 0 knows its address late.
	Endpoint func() string
	Region   string    // that calls are signed for
	Key      sigv4.Key // of the seller whose site this is
	// Client makes the calls. Nil: direct connections, whatever the environment says about proxies.
	Client *http.Client
	// Path is where the page stands, without a slash at its end; "" is DefaultPath.
	Path string
	// Seller is the name at the top; "" is "Sample Seller".
	Seller string
	Now    func() time.Time // wall clock, for signatures; nil: time.Now
	// Backoff is the pause before the second attempt, at most; the third comes after twice as long. 0 is 200 ms.
	Backoff time.Duration
	Log     *slog.Logger // nil: nothing is logged. Tokens never are
}

// Page is a seller's site, as small as it can be: the page that buyers' browsers post registration tokens to. It resolves the token over the
// network like any seller, greets the buyer, and shows the developer what went over the wire. It keeps nothing.
//
// Browsers post to it from other sites, so the listener's protection against cross-origin requests must let its path through. That is safe: a POST
// here changes nothing but what the token itself does.
type Page struct {
	path     string
	seller   string
	log      *slog.Logger
	resolver resolver
	pages    *pages
}

// New makes a Page.
func New(cfg PageConfig) *Page {
	p := &Page{
		path: cfg.Path, seller: cfg.Seller, log: cfg.Log,
		resolver: resolver{endpoint: cfg.Endpoint, region: cfg.Region, key: cfg.Key, client: cfg.Client, now: cfg.Now, backoff: cfg.Backoff},
	}
	if p.path == "" {
		p.path = DefaultPath
	}
	if p.seller == "" {
		p.seller = "Sample Seller"
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.resolver.client == nil {
		p.resolver.client = &http.Client{Transport: &http.Transport{
			MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second, DisableCompression: true, TLSHandshakeTimeout: 5 * time.Second,
		}}
	}
	if p.resolver.now == nil {
		p.resolver.now = time.Now
	}
	if p.resolver.backoff == 0 {
		p.resolver.backoff = 200 * time.Millisecond
	}
	p.pages = newPages(p.path, p.seller)
	return p
}

// Path is where the page stands: the path to exempt from the protection against cross-origin requests.
func (p *Page) Path() string { return p.path }

// Register puts the page and its style sheet on mux.
func (p *Page) Register(mux *http.ServeMux) {
	mux.Handle(p.path, p)
	mux.Handle(p.stylePath(), p)
}

func (p *Page) stylePath() string { return p.path + "/style.css" }

// ServeHTTP answers GET with an explanation, POST of the form with who the buyer is.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == p.stylePath() && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		p.pages.style(w, r)
	case r.URL.Path == p.stylePath():
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		p.pages.render(w, http.StatusOK, "welcome", "A sample seller’s registration page", nil)
	case r.Method == http.MethodPost:
		p.post(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

func (p *Page) post(w http.ResponseWriter, r *http.Request) {
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mt != "application/x-www-form-urlencoded" {
		p.sorry(w, formForeign, nil, nil)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			p.sorry(w, formTooLarge, nil, nil)
		} else {
			p.sorry(w, formUnreadable, nil, nil)
		}
		return
	}
	switch form := r.PostForm; { // of the body alone: a token in the query would stand in logs and histories
	case form.Get("step") == "finish":
		p.finish(w, form)
	case form.Get(FieldToken) == "":
		p.sorry(w, tokenMissing, nil, form)
	default:
		p.setUp(w, r, form)
	}
}

// formField is a field of the form that arrived, as the page shows it.
type formField struct{ Name, Value string }

// shown lists the documented fields that arrived; the token masked.
func shown(form url.Values) []formField {
	var out []formField
	for _, name := range []string{FieldToken, FieldAgreementID, FieldProductID, FieldOfferType} {
		for _, v := range form[name] {
			if name == FieldToken {
				v = maskToken(v)
			}
			out = append(out, formField{name, v})
		}
	}
	return out
}

// done is what the page of a registered buyer shows.
type done struct {
	Customer  customer
	FreeTrial bool
	Form      []formField
	Exchanges []exchange
	Email     emailForm
}

func (p *Page) setUp(w http.ResponseWriter, r *http.Request, form url.Values) {
	token := form.Get(FieldToken)
	res := p.resolver.resolve(r.Context(), token)
	var id string
	if n := len(res.Exchanges); n > 0 {
		id = res.Exchanges[n-1].RequestID
	}
	if !res.ok() {
		p.log.LogAttrs(r.Context(), slog.LevelWarn, "registration failed", slog.String("code", res.Code), slog.String("message", res.Message),
			slog.Any("error", res.Err), slog.Int("attempts", len(res.Exchanges)), slog.String("request_id", id))
		p.sorry(w, explain(&res, token), &res, form)
		return
	}
	p.log.LogAttrs(r.Context(), slog.LevelInfo, "registration", slog.String("buyer", res.Customer.CustomerAWSAccountID),
		slog.String("product", res.Customer.ProductCode), slog.String("license", res.Customer.LicenseARN), slog.String("request_id", id))
	p.pages.render(w, http.StatusOK, "done", "Your account is set up", done{
		Customer: res.Customer, FreeTrial: form.Get(FieldOfferType) == OfferTypeFreeTrial, Form: shown(form), Exchanges: res.Exchanges,
	})
}

// failure is what the page of a buyer who could not be registered shows.
type failure struct {
	explanation
	Code, Message string
	Form          []formField
	Exchanges     []exchange
}

func (p *Page) sorry(w http.ResponseWriter, e explanation, res *resolution, form url.Values) {
	f := failure{explanation: e, Form: shown(form)}
	if res != nil {
		f.Code, f.Message, f.Exchanges = res.Code, res.Message, res.Exchanges
		if res.Err != nil {
			f.Message = res.Err.Error()
		}
	}
	p.pages.render(w, e.Status, "sorry", e.Title, f)
}

// emailForm is the last step that AWS's checklist asks of a registration page: who to write to.
type emailForm struct{ Email, Problem string }

// finish thanks the buyer for the address. It keeps nothing, so it needs to know nothing about who came before: no token and no session is
// in the form.
func (p *Page) finish(w http.ResponseWriter, form url.Values) {
	email := strings.TrimSpace(form.Get("email"))
	addr, err := mail.ParseAddress(email)
	if err != nil || addr.Address != email || len(email) > 254 { // RFC 5321, section 4.5.3.1.3, less its angle brackets
		p.pages.render(w, http.StatusBadRequest, "finish", "Finish registration",
			emailForm{Email: email, Problem: "Please enter an e-mail address, such as name@example.com."})
		return
	}
	p.pages.render(w, http.StatusOK, "thanks", "Thank you", email)
}
