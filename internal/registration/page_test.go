package registration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/registration"
	"github.com/souk-market/souk/internal/sigv4"
)

var key = sigv4.Key{AccessKeyID: "AKIASAMPLESELLER0000", Secret: "sample-secret-sample-secret-sample-secret", SessionToken: "session-token-of-the-seller"}

// token has the length and the characters of a live one.
var token = strings.Repeat("aB3+/z9Q", 22) + "aB3+/w=="

const found = `{"CustomerAWSAccountId":"210987654321","CustomerIdentifier":"ifAPi5AcF3","LicenseArn":"arn:aws:license-manager::294406891311:license:l-9d01","ProductCode":"74az0btybm649octamy0sktos"}`

func fault(code, message string) string {
	b, _ := json.Marshal(map[string]string{"__type": code, "message": message})
	return string(b)
}

// face plays the AWS face: it verifies each request as the real one does, notes it, and answers with what it was told to.
type face struct {
	*testing.T
	url     string
	answers []answer // one a request; the last one from then on

	mu       sync.Mutex
	attempts []string // amz-sdk-request of each request
	tokens   []string
}

// calls are the attempts and the tokens that arrived.
func (f *face) calls() (attempts, tokens []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.attempts), slices.Clone(f.tokens)
}

type answer struct {
	status int
	body   string
}

func newFace(t *testing.T, answers ...answer) *face {
	t.Helper()
	f := &face{T: t, answers: answers}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

func (f *face) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.Error(err)
	}
	verifier := sigv4.New(sigv4.Config{Now: time.Now, Region: "eu-west-1", Lookup: func(_ context.Context, id, session string) (sigv4.Credential, error) {
		if id != key.AccessKeyID || session != key.SessionToken {
			return sigv4.Credential{}, sigv4.ErrUnknownKey
		}
		return sigv4.Credential{Secret: key.Secret}, nil
	}})
	if _, err := verifier.Verify(r, body, "aws-marketplace"); err != nil {
		f.Errorf("the request does not verify: %v", err)
	}
	if r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || r.Header.Get("X-Amz-Target") != "AWSMPMeteringService.ResolveCustomer" {
		f.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	var in struct{ RegistrationToken string }
	if err := json.Unmarshal(body, &in); err != nil {
		f.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attempts, f.tokens = append(f.attempts, r.Header.Get("Amz-Sdk-Request")), append(f.tokens, in.RegistrationToken)
	a := f.answers[min(len(f.attempts), len(f.answers))-1]
	if a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-RequestId", fmt.Sprintf("request-%d", len(f.attempts)))
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
}

// page is the registration page of a seller, resolving at endpoint.
func page(endpoint string) *registration.Page {
	return registration.New(registration.PageConfig{
		Endpoint: func() string { return endpoint }, Region: "eu-west-1", Key: key, Backoff: time.Nanosecond,
	})
}

func (f *face) page() *registration.Page { return page(f.url) }

type result struct {
	*httptest.ResponseRecorder
	text string // as a reader sees it
}

var tag = regexp.MustCompile(`<[^>]*>`)

func send(p *registration.Page, method, target, contentType, body string) result {
	mux := http.NewServeMux()
	p.Register(mux)
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return result{w, strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(w.Body.String(), " "))), " ")}
}

func post(p *registration.Page, form url.Values) result {
	return send(p, http.MethodPost, "/register", "application/x-www-form-urlencoded", form.Encode())
}

func (r result) is(t *testing.T, status int, texts ...string) result {
	t.Helper()
	if r.Code != status {
		t.Errorf("status %d, want %d", r.Code, status)
	}
	for _, want := range texts {
		if !strings.Contains(r.text, want) {
			t.Errorf("does not say %q; text:\n%s", want, r.text)
		}
	}
	if strings.Contains(r.Body.String(), token) || strings.Contains(r.text, token) || strings.Contains(r.text, key.SessionToken) || regexp.MustCompile(`Signature=[0-9a-f]`).MatchString(r.text) {
		t.Errorf("a secret stands on the page:\n%s", r.text)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8"} {
		if got := r.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	policy := r.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") || strings.Contains(policy, "unsafe") || r.Header().Get("Set-Cookie") != "" {
		t.Errorf("headers %v", r.Header())
	}
	return r
}

func sampleForm() url.Values {
	return url.Values{
		registration.FieldToken: {token}, registration.FieldAgreementID: {"agmt-1"}, registration.FieldProductID: {"prod-1"},
	}
}

func TestPageResolvesOverTheNetwork(t *testing.T) {
	f := newFace(t, answer{200, found})
	post(f.page(), sampleForm()).is(t, http.StatusOK, "Your account is set up", "210987654321", "ifAPi5AcF3", "74az0btybm649octamy0sktos",
		"arn:aws:license-manager::294406891311:license:l-9d01",
		// the wire
		"POST / HTTP/1.1", "Host: "+strings.TrimPrefix(f.url, "http://"), "X-Amz-Target: AWSMPMeteringService.ResolveCustomer", "Signature=…", "X-Amz-Security-Token: …",
		"Content-Length: ", `{"RegistrationToken":"aB3+/z…(184 characters)"}`, "HTTP/1.1 200 OK", found, "Request id request-1", "agmt-1", "prod-1")
	if _, tokens := f.calls(); !slices.Equal(tokens, []string{token}) {
		t.Errorf("tokens that arrived: %q", tokens)
	}
}

func TestPageNotesFreeTrialsAndMissingIdentifiers(t *testing.T) {
	f := newFace(t, answer{200, `{"CustomerAWSAccountId":"210987654321","CustomerIdentifier":"","LicenseArn":"arn","ProductCode":"p"}`})
	form := sampleForm()
	form.Set(registration.FieldOfferType, "free-trial")
	post(f.page(), form).is(t, http.StatusOK, "Free trial", "Your free trial has begun", "none: with this product you are known by your account and license")
	if r := post(f.page(), sampleForm()); strings.Contains(r.text, "trial") {
		t.Error("a free trial where there is none")
	}
}

func TestPageExplainsErrors(t *testing.T) {
	for _, test := range []struct {
		name     string
		answer   answer
		status   int
		attempts int
		texts    []string
	}{
		{"InvalidToken", answer{400, fault("InvalidTokenException", "Registration token is invalid")}, 400, 1,
			[]string{"This registration is not valid", "click “Set up your account” again", "Registration token is invalid", "Only the account that published the product"}},
		{"namespaced", answer{400, fault("com.amazonaws.marketplacemetering#InvalidTokenException:http://x/", "m")}, 400, 1, []string{"This registration is not valid"}},
		{"ExpiredToken", answer{400, fault("ExpiredTokenException", "Registration token has expired")}, 400, 1,
			[]string{"This registration has expired", "click “Set up your account” again", "souk clock show"}},
		{"expired session", answer{400, fault("ExpiredTokenException", "The security token included in the request is expired")}, 502, 1,
			[]string{"Something is wrong on our side", "temporary credentials of this page have expired"}},
		{"Throttling", answer{400, fault("ThrottlingException", "Rate exceeded")}, 503, 3, []string{"Please try again in a moment", "Three attempts were throttled", "Attempt 3", "request-3"}},
		{"AccessDenied", answer{400, fault("AccessDeniedException", "User: x is not authorized")}, 502, 1, []string{"Something is wrong on our side", "User: x is not authorized", "aws-marketplace:ResolveCustomer"}},
		{"UnrecognizedClient", answer{400, fault("UnrecognizedClientException", "m")}, 502, 1, []string{"The credentials of this page were refused"}},
		{"InvalidSignature", answer{400, fault("InvalidSignatureException", "m")}, 502, 1, []string{"The credentials of this page were refused"}},
		{"DisabledApi", answer{400, fault("DisabledApiException", "m")}, 502, 1, []string{"Region"}},
		{"Internal", answer{500, fault("InternalServiceErrorException", "")}, 503, 3, []string{"trouble answering us", "Attempt 3"}},
		{"ServiceUnavailable", answer{503, fault("ServiceUnavailableException", "m")}, 503, 3, []string{"trouble answering us"}},
		{"unknown", answer{400, fault("ValidationException", "m")}, 502, 1, []string{"an error that is not about the token", "ValidationException"}},
		{"not AWS", answer{404, "<h1>not found</h1>"}, 502, 1, []string{"not with AWS JSON 1.1", "<h1>not found</h1>"}},
		{"not ResolveCustomer", answer{200, "{}"}, 502, 1, []string{"the answer is not one of ResolveCustomer"}},
		{"cut", answer{0, ""}, 503, 3, []string{"We could not reach AWS Marketplace", "No response", "souk fault list"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFace(t, test.answer)
			r := post(f.page(), sampleForm()).is(t, test.status, test.texts...)
			if attempts, _ := f.calls(); len(attempts) != test.attempts {
				t.Errorf("%d attempts, want %d", len(attempts), test.attempts)
			}
			if strings.Contains(r.Body.String(), "<h1>not") || strings.Contains(r.text, "`") || strings.Contains(r.text, "Your account is set up") {
				t.Errorf("page:\n%s", r.Body)
			}
		})
	}
}

func TestPageRetriesAsSDKsDo(t *testing.T) {
	throttled := answer{400, fault("ThrottlingException", "Rate exceeded")}
	f := newFace(t, throttled, answer{0, ""}, answer{200, found})
	post(f.page(), sampleForm()).is(t, http.StatusOK, "Your account is set up", "Attempt 1", "Attempt 2", "Attempt 3", "request-3")
	attempts, _ := f.calls()
	if diff := cmp.Diff([]string{"attempt=1; max=3", "attempt=2; max=3", "attempt=3; max=3"}, attempts); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestPageWhenNobodyListens(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	post(page("http://"+ln.Addr().String()), sampleForm()).is(t, http.StatusServiceUnavailable, "We could not reach AWS Marketplace", "connection refused",
		"Host: "+ln.Addr().String(), "X-Amz-Target: AWSMPMeteringService.ResolveCustomer")
	post(page("not a URL"), sampleForm()).is(t, http.StatusServiceUnavailable, "not an http or https URL")
}

func TestPageWhenTheBuyerLeaves(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(entered); <-leave }))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(leave) }) // before the server closes, which waits
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/register", strings.NewReader(sampleForm().Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	done := make(chan struct{})
	go func() { page(srv.URL).ServeHTTP(httptest.NewRecorder(), r); close(done) }()
	select {
	case <-done: // after one attempt: the handler would close entered twice otherwise
	case <-time.After(10 * time.Second):
		t.Fatal("the page goes on without the buyer")
	}
}

func TestPageAsksForItsEndpointEachTime(t *testing.T) {
	f, endpoint := newFace(t, answer{200, found}), ""
	p := registration.New(registration.PageConfig{Endpoint: func() string { return endpoint }, Region: "eu-west-1", Key: key, Backoff: time.Nanosecond})
	post(p, sampleForm()).is(t, http.StatusServiceUnavailable)
	endpoint = f.url
	post(p, sampleForm()).is(t, http.StatusOK)
}

func TestPageRefusesWhatIsNotTheForm(t *testing.T) {
	f := newFace(t, answer{200, found})
	const urlencoded = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		target, contentType, body string
		status                    int
		text                      string
	}{
		"no token":           {"/register", urlencoded, "a=b", 400, "without a registration token"},
		"empty":              {"/register", urlencoded, "", 400, "without a registration token"},
		"token in the query": {"/register?x-amzn-marketplace-token=abc", urlencoded, "", 400, "without a registration token"},
		"bad escape":         {"/register", urlencoded, "x-amzn-marketplace-token=%zz", 400, "not well formed"},
		"multipart":          {"/register", "multipart/form-data; boundary=x", "--x--", 415, "is not the form of AWS Marketplace"},
		"JSON":               {"/register", "application/json", `{"x-amzn-marketplace-token":"a"}`, 415, "is not the form of AWS Marketplace"},
		"no type":            {"/register", "", "x-amzn-marketplace-token=a", 415, "is not the form of AWS Marketplace"},
		"too large":          {"/register", urlencoded, "x-amzn-marketplace-token=" + strings.Repeat("a", 64<<10), 413, "larger than any"},
	} {
		t.Run(name, func(t *testing.T) {
			send(f.page(), http.MethodPost, test.target, test.contentType, test.body).is(t, test.status, test.text)
		})
	}
	if attempts, _ := f.calls(); len(attempts) != 0 {
		t.Errorf("%d calls were made", len(attempts))
	}
}

func TestPageHintsAtBlanks(t *testing.T) {
	f := newFace(t, answer{400, fault("InvalidTokenException", "Registration token is invalid")})
	form := sampleForm()
	form.Set(registration.FieldToken, strings.ReplaceAll(token, "+", " "))
	post(f.page(), form).is(t, 400, "The token that arrived has blanks in it")
	if r := post(f.page(), sampleForm()); strings.Contains(r.text, "blanks") {
		t.Error("blanks where there are none")
	}
}

func TestPageEscapes(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	f := newFace(t, answer{200, `{"CustomerAWSAccountId":"<script>1","CustomerIdentifier":"<script>2","LicenseArn":"<script>3","ProductCode":"<script>4"}`},
		answer{400, fault("Evil<script>Exception", evil)})
	form := sampleForm()
	form.Set(registration.FieldAgreementID, evil)
	for _, r := range []result{
		post(f.page(), form).is(t, http.StatusOK), post(f.page(), form).is(t, http.StatusBadGateway),
		post(f.page(), url.Values{"step": {"finish"}, "email": {evil}}).is(t, http.StatusBadRequest),
	} {
		if strings.Contains(r.Body.String(), "<script") {
			t.Errorf("text became markup:\n%s", r.Body)
		}
	}
}

func TestPageFinishes(t *testing.T) {
	f := newFace(t, answer{200, found})
	done := post(f.page(), sampleForm()).is(t, http.StatusOK)
	if got := regexp.MustCompile(`<input type="hidden"[^>]*>`).FindAllString(done.Body.String(), -1); len(got) != 1 || got[0] != `<input type="hidden" name="step" value="finish">` {
		t.Errorf("hidden fields %q: want the step alone", got)
	}
	finish := func(email string) result { return post(f.page(), url.Values{"step": {"finish"}, "email": {email}}) }
	finish(" ada@example.com ").is(t, http.StatusOK, "Thank you", "ada@example.com")
	for _, bad := range []string{"", "ada", "Ada <ada@example.com>", strings.Repeat("a", 250) + "@example.com", "a@b\r\nc"} {
		finish(bad).is(t, http.StatusBadRequest, "Please enter an e-mail address")
	}
}

func TestPageExplainsItself(t *testing.T) {
	p := page("")
	send(p, http.MethodGet, "/register", "", "").is(t, http.StatusOK, "A registration page", "souk product set CODE --registration-url", "souk buy --product CODE --post-to registered")
	r := send(p, http.MethodPut, "/register", "", "")
	if r.Code != http.StatusMethodNotAllowed || r.Header().Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("PUT: %d, Allow %q", r.Code, r.Header().Get("Allow"))
	}
}

func TestPageStandsWhereItIsPut(t *testing.T) {
	p := registration.New(registration.PageConfig{Endpoint: func() string { return "" }, Path: "/seller/register", Seller: "Acme <GmbH>"})
	r := send(p, http.MethodGet, "/seller/register", "", "").is(t, http.StatusOK, "Acme <GmbH>")
	sheet := regexp.MustCompile(`href="(/seller/register/style.css\?v=[0-9a-f]{12})"`).FindStringSubmatch(r.Body.String())
	if sheet == nil {
		t.Fatalf("no style sheet in:\n%s", r.Body)
	}
	css := send(p, http.MethodGet, sheet[1], "", "")
	if css.Code != http.StatusOK || css.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(css.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("style sheet: %d, %v", css.Code, css.Header())
	}
	if old := send(p, http.MethodGet, "/seller/register/style.css?v=old", "", ""); old.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("a style sheet of another version: %v", old.Header())
	}
}
