package attack

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// basicDate is how signatures write a time (ISO 8601, basic format).
const basicDate = "20060102T150405Z"

// key is a credential. session is the token of a temporary one.
type key struct{ id, secret, session string }

// line is a header line, sent byte for byte.
type line struct{ name, value string }

// forgery is a request in its parts. What is set before sign is signed, what is changed after it is not: that is the forgery. It signs whatever it is told to,
// by AWS's documentation of Signature Version 4 and without a line of internal/sigv4, so a mistake of that package cannot hide here.
type forgery struct {
	method, target string
	lines          []line // in the order of the wire, Host first
	body           []byte

	key     key
	session string // session token
	at      time.Time

	// What the signature is made over, where it is not what is sent.
	algorithm string
	region    string
	service   string
	scopeDate string   // "": that of at
	names     []string // signed headers; nil: all that there are
	payload   string   // "": the SHA-256 of body

	// framing replaces the Content-Length line; "-" leaves it out.
	framing string
}

// call is a request of AWS JSON 1.1, not yet signed.
func call(s *souk, k key, operation string, body any) *forgery {
	service := "AWSMPMeteringService"
	if operation == "GetEntitlements" {
		service = "AWSMPEntitlementService"
	}
	return &forgery{
		method: http.MethodPost, target: "/", body: encode(body), key: k, session: k.session, at: time.Now(),
		algorithm: "AWS4-HMAC-SHA256", region: "us-east-1", service: "aws-marketplace",
		lines: []line{{"Host", s.address()}, {"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", service + "." + operation}},
	}
}

// cborCall is the same in Smithy RPC v2 CBOR, with a body already encoded.
func cborCall(s *souk, k key, operation string, body []byte) *forgery {
	f := call(s, k, operation, nil)
	service, _, _ := strings.Cut(f.get("X-Amz-Target"), ".")
	f.target = "/service/" + service + "/operation/" + operation
	f.drop("X-Amz-Target")
	f.set("Content-Type", "application/cbor")
	f.set("Smithy-Protocol", "rpc-v2-cbor")
	f.body = body
	return f
}

// encode is v as JSON; bytes stay as they are.
func encode(v any) []byte {
	if b, ok := v.([]byte); ok {
		return b
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake of the test
	}
	return b
}

func (f *forgery) get(name string) string {
	for _, l := range f.lines {
		if strings.EqualFold(l.name, name) {
			return l.value
		}
	}
	return ""
}

// set replaces a header's first line, or adds one.
func (f *forgery) set(name, value string) {
	for i, l := range f.lines {
		if strings.EqualFold(l.name, name) {
			f.lines[i].value = value
			return
		}
	}
	f.add(name, value)
}

func (f *forgery) add(name, value string) { f.lines = append(f.lines, line{name, value}) }

func (f *forgery) drop(name string) {
	f.lines = slices.DeleteFunc(f.lines, func(l line) bool { return strings.EqualFold(l.name, name) })
}

// edit changes the Authorization header; a text that is not there is a mistake of the test.
func (f *forgery) edit(old, replacement string) {
	have := f.get("Authorization")
	if !strings.Contains(have, old) {
		panic(fmt.Sprintf("%q is not in %q", old, have))
	}
	f.set("Authorization", strings.Replace(have, old, replacement, 1))
}

// signature is that of the Authorization header.
func (f *forgery) signature() string {
	_, s, _ := strings.Cut(f.get("Authorization"), "Signature=")
	return s
}

// sign puts the date, the session token and the signature into the header.
func (f *forgery) sign() *forgery {
	f.drop("Authorization")
	f.set("X-Amz-Date", f.at.UTC().Format(basicDate))
	if f.session != "" {
		f.set("X-Amz-Security-Token", f.session)
	}
	names := f.signed()
	f.add("Authorization", f.algorithm+" Credential="+f.key.id+"/"+f.scope()+", SignedHeaders="+strings.Join(names, ";")+
		", Signature="+f.over(f.method, f.target, names))
	return f
}

func (f *forgery) signed() []string {
	if f.names != nil {
		return f.names
	}
	var names []string
	for _, l := range f.lines {
		names = append(names, strings.ToLower(l.name))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (f *forgery) scope() string {
	date := f.scopeDate
	if date == "" {
		date = f.at.UTC().Format(basicDate)[:8]
	}
	return date + "/" + f.region + "/" + f.service + "/aws4_request"
}

// over is the signature of the request with another method and target: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
func (f *forgery) over(method, target string, names []string) string {
	path, query, _ := strings.Cut(target, "?")
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n%s\n", method, escape(path, "/"), canonicalQuery(query))
	for _, name := range names {
		var values []string
		for _, l := range f.lines {
			if strings.EqualFold(l.name, name) {
				values = append(values, strings.Join(strings.FieldsFunc(l.value, func(r rune) bool { return r == ' ' }), " "))
			}
		}
		if values != nil {
			fmt.Fprintf(&b, "%s:%s\n", name, strings.Join(values, ","))
		}
	}
	payload := f.payload
	if payload == "" {
		payload = digest(f.body)
	}
	fmt.Fprintf(&b, "\n%s\n%s", strings.Join(names, ";"), payload)
	derived := []byte("AWS4" + f.key.secret)
	for part := range strings.SplitSeq(f.scope(), "/") {
		derived = mac(derived, part)
	}
	return hex.EncodeToString(mac(derived, f.algorithm+"\n"+f.at.UTC().Format(basicDate)+"\n"+f.scope()+"\n"+digest([]byte(b.String()))))
}

// presign moves the signature into the query string. expires "" states none.
func (f *forgery) presign(expires string) *forgery {
	q := url.Values{
		"X-Amz-Algorithm": {f.algorithm}, "X-Amz-Credential": {f.key.id + "/" + f.scope()}, "X-Amz-Date": {f.at.UTC().Format(basicDate)},
		"X-Amz-SignedHeaders": {strings.Join(f.signed(), ";")},
	}
	if expires != "" {
		q.Set("X-Amz-Expires", expires)
	}
	if f.session != "" {
		q.Set("X-Amz-Security-Token", f.session)
	}
	path, _, _ := strings.Cut(f.target, "?")
	f.target = path + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
	f.target += "&X-Amz-Signature=" + f.over(f.method, f.target, f.signed())
	return f
}

func canonicalQuery(query string) string {
	if query == "" {
		return ""
	}
	parts := strings.Split(query, "&")
	for i, p := range parts {
		if !strings.Contains(p, "=") {
			parts[i] = p + "="
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

func escape(s, keep string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~"+keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// head is the request up to its body.
func (f *forgery) head() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", f.method, f.target)
	for _, l := range f.lines {
		fmt.Fprintf(&b, "%s: %s\r\n", l.name, l.value)
	}
	switch f.framing {
	case "":
		b.WriteString("Content-Length: " + strconv.Itoa(len(f.body)) + "\r\n")
	case "-":
	default:
		b.WriteString(f.framing + "\r\n")
	}
	return b.String() + "\r\n"
}

// answer is what came back. status 0: the connection ended without one.
type answer struct {
	status  int
	code    string // the error's, without its namespace
	message string
	header  http.Header
	body    []byte
}

func (a answer) String() string {
	return fmt.Sprintf("%d %s %q %.300q", a.status, a.code, a.message, a.body)
}

// patience is how long an answer may take that should come at once.
const patience = 20 * time.Second

// send sends the request on a connection of its own.
func (f *forgery) send(t testing.TB, s *souk) answer {
	t.Helper()
	return exchange(t, s.address(), append([]byte(f.head()), f.body...))[0]
}

// exchange writes raw bytes and reads all answers that come until the connection ends or n have come (1 if n is not given); there is one at least, be it that
// of status 0.
func exchange(t testing.TB, address string, raw []byte, n ...int) []answer {
	t.Helper()
	want := 1
	if len(n) > 0 {
		want = n[0]
	}
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	go func() { _, _ = c.Write(raw) }() // the answer may come before all is written, and the rest be refused
	var list []answer
	for r := bufio.NewReader(c); len(list) < want; {
		a, err := readAnswer(r)
		if err != nil {
			if errors.Is(err, errSilent) {
				t.Fatalf("no answer within %s to %.200q", patience, raw)
			}
			break
		}
		list = append(list, a)
	}
	if list == nil {
		list = []answer{{}}
	}
	return list
}

var errSilent = errors.New("the server says nothing")

func readAnswer(r *bufio.Reader) (a answer, err error) {
	res, err := http.ReadResponse(r, &http.Request{Method: http.MethodPost})
	if err != nil {
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			return a, errSilent
		}
		return a, err
	}
	defer res.Body.Close()
	if a.body, err = io.ReadAll(res.Body); err != nil {
		return a, err
	}
	a.status, a.header = res.StatusCode, res.Header
	var code string
	if res.Header.Get("Content-Type") == "application/cbor" {
		if v, err := cbor.Decode(a.body); err == nil {
			m, _ := v.(cbor.Map)
			kind, _ := m["__type"].(cbor.String)
			text, _ := m["message"].(cbor.String)
			code, a.message = string(kind), string(text)
		}
	} else {
		var fault struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if json.Unmarshal(bytes.TrimSpace(a.body), &fault) == nil {
			code, a.message = fault.Type, fault.Message
		}
	}
	a.code = code[strings.LastIndexByte(code, '#')+1:]
	return a, nil
}

// refused asserts that an attack failed, with the error that it should fail with. text is a part of the message.
func refused(t testing.TB, guard string, got answer, status int, code, text string) {
	t.Helper()
	if got.status != status || got.code != code || !strings.Contains(got.message, text) {
		t.Errorf("want %d %s %q, got %s\nguard: %s", status, code, text, got, guard)
	}
}

// accepted asserts that the honest neighbour of an attack succeeds.
func accepted(t testing.TB, got answer) {
	t.Helper()
	if got.status != http.StatusOK {
		t.Errorf("the honest request: want 200, got %s", got)
	}
}
