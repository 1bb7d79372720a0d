package reqlog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func commit(l *Log, id string, fill func(*Record)) {
	r := l.Begin()
	r.ID, r.Time, r.Status = id, time.Now(), 200
	if fill != nil {
		fill(r)
	}
	l.Commit(r)
}

func ids(list []View) string {
	var out []string
	for _, v := range list {
		out = append(out, v.ID)
	}
	return strings.Join(out, " ")
}

func TestRing(t *testing.T) {
	l := New(Config{Capacity: 3})
	for i := range 5 {
		commit(l, fmt.Sprint(i), nil)
	}
	if got := ids(l.List(Filter{})); got != "4 3 2" {
		t.Errorf("List = %s, want the newest three, newest first", got)
	}
	if _, ok := l.Get("1"); ok {
		t.Error("a record that fell out of the ring is still there")
	}
	if v, ok := l.Get("3"); !ok || v.Seq != 4 {
		t.Errorf("Get(3) = %d, %v", v.Seq, ok)
	}
	if got := ids(l.List(Filter{Before: 5, Limit: 1})); got != "3" {
		t.Errorf("page before 5 = %s", got)
	}
}

func TestFilter(t *testing.T) {
	l := New(Config{})
	commit(l, "ok", func(r *Record) {
		r.Operation, r.Principal, r.ProductCode = "ResolveCustomer", "arn:aws:iam::1:user/a", "p"
	})
	commit(l, "throttled", func(r *Record) {
		r.Operation, r.Status, r.ErrorCode, r.AccessKeyID = "ResolveCustomer", 400, "ThrottlingException", "AKIA"
	})
	commit(l, "cut", func(r *Record) { r.Status = 0 })
	for _, tt := range []struct {
		f    Filter
		want string
	}{
		{Filter{}, "cut throttled ok"}, {Filter{Operation: "ResolveCustomer"}, "throttled ok"}, {Filter{Outcome: "ok"}, "ok"}, {Filter{Outcome: "error"}, "cut throttled"},
		{Filter{Outcome: "cut"}, "cut"}, {Filter{Outcome: "ThrottlingException"}, "throttled"}, {Filter{Principal: "user/a"}, "ok"}, {Filter{Principal: "AKIA"}, "throttled"},
		{Filter{Product: "p"}, "ok"}, {Filter{Product: "q"}, ""},
	} {
		if got := ids(l.List(tt.f)); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.f, got, tt.want)
		}
	}
}

// Buffers are used again, and what was read before stays as it was.
func TestBuffersAreReused(t *testing.T) {
	l := New(Config{Capacity: 2})
	commit(l, "a", func(r *Record) { r.Body = append(r.Body, "first"...) })
	first, _ := l.Get("a")
	for i := range 10 {
		commit(l, fmt.Sprint(i), func(r *Record) {
			if len(r.Body) != 0 || r.Principal != "" || r.Header != nil {
				t.Errorf("a new record holds %q %q", r.Body, r.Principal)
			}
			r.Body = append(r.Body, "XXXXX"...)
			r.Principal = "p"
			r.Header = http.Header{"A": {"b"}}
		})
	}
	if first.Body != "first" {
		t.Errorf("the view changed to %q", first.Body)
	}
}

func TestTrim(t *testing.T) {
	l := New(Config{})
	commit(l, "big", func(r *Record) {
		r.Principal = "p"
		r.Body = append(r.Body, bytes.Repeat([]byte("a b "), MaxBody/2)...)
		r.Response = append(r.Response, bytes.Repeat([]byte("a b "), MaxBody/2)...)
	})
	if v, _ := l.Get("big"); len(v.Body) != MaxBody || len(v.Response) != MaxBody || v.BodySize != 2*MaxBody {
		t.Errorf("kept %d and %d bytes of %d", len(v.Body), len(v.Response), v.BodySize)
	}
}

func TestMasking(t *testing.T) {
	token := strings.Repeat("Ab1+/", 36) + "Ab=="
	l := New(Config{})
	for id, body := range map[string]string{
		"json": `{"RegistrationToken":"` + token + `"}`, "escaped": `{"RegistrationToken":"` + strings.ReplaceAll(token, "/", `\/`) + `"}`,
		"unicode": `{"RegistrationToken":"` + strings.ReplaceAll(token, "+", `\u002b`) + `"}`, "broken": `{"RegistrationToken":"` + token, "form": "x-amzn-marketplace-token=" + strings.ReplaceAll(token, "+", "%2B"),
	} {
		commit(l, id, func(r *Record) {
			r.Body = append(r.Body, body...)
			r.Target = "/?X-Amz-Security-Token=secretsecret&X-Amz-Signature=abcdef&a=b"
			r.Header = http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIA/20260101/r/s/aws4_request, SignedHeaders=host, Signature=abcdef"},
				"X-Amz-Security-Token": {"secretsecret"}, "Host": {"kept"}}
		})
		v, _ := l.Get(id)
		all := fmt.Sprint(v)
		for _, secret := range []string{token[:30], "Ab1+\\/Ab1", "secretsecret", "abcdef"} {
			if strings.Contains(all, secret) {
				t.Errorf("%s: %q shows in %s", id, secret, all)
			}
		}
		for _, kept := range []string{"Credential=AKIA", "kept", "a=b"} {
			if !strings.Contains(all, kept) {
				t.Errorf("%s: %q is masked too", id, kept)
			}
		}
	}
	commit(l, "answer", func(r *Record) {
		r.Response = append(r.Response, `{"LicenseArn":"arn:aws:license-manager::294406891311:license:l-9d01d15f86334a8894365cd7350556ff"}`...)
	})
	if v, _ := l.Get("answer"); !strings.Contains(v.Response, "l-9d01d15f86334a8894365cd7350556ff") {
		t.Errorf("a license is masked: %s", v.Response)
	}
}

func TestFollowAndWait(t *testing.T) {
	l := New(Config{})
	ctx, cancel := context.WithCancel(context.Background())
	follow := l.Follow(ctx)
	commit(l, "a", nil)
	if v := <-follow; v.ID != "a" {
		t.Errorf("followed %s", v.ID)
	}
	if v, err := l.Wait(ctx, func(v View) bool { return v.ID == "a" }); err != nil || v.ID != "a" {
		t.Errorf("Wait for what was: %v", err)
	}
	go commit(l, "b", nil)
	if v, err := l.Wait(ctx, func(v View) bool { return v.ID == "b" }); err != nil || v.ID != "b" {
		t.Errorf("Wait for what comes: %v", err)
	}
	cancel()
	for range follow { // closes
	}
	if _, err := l.Wait(ctx, func(View) bool { return false }); err == nil {
		t.Error("Wait went on after its context")
	}
	commit(l, "c", nil) // nobody follows: nothing blocks
}

// A follower that does not read holds nobody up.
func TestSlowFollower(t *testing.T) {
	l := New(Config{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l.Follow(ctx)
	for i := range 2000 {
		commit(l, fmt.Sprint(i), nil)
	}
}

func TestAccessLog(t *testing.T) {
	var buf bytes.Buffer
	seen := 0
	l := New(Config{AccessLog: &buf, Observe: func(*Record) { seen++ }})
	token := strings.Repeat("Ab1+/", 36) + "Ab=="
	commit(l, "id-1", func(r *Record) {
		r.Operation, r.Reason, r.Body = "ResolveCustomer", "because", append(r.Body, `{"RegistrationToken":"`+token+`"}`...)
	})
	line := buf.String()
	for _, want := range []string{`"id":"id-1"`, `"op":"ResolveCustomer"`, `"reason":"because"`, `"outcome":"ok"`} {
		if !strings.Contains(line, want) {
			t.Errorf("the line %s lacks %s", line, want)
		}
	}
	if strings.Contains(line, "Ab1+") || strings.Count(line, "\n") != 1 || seen != 1 {
		t.Errorf("line %q, seen %d times", line, seen)
	}
}

func TestConcurrent(t *testing.T) {
	l := New(Config{Capacity: 16})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				commit(l, fmt.Sprint(i), func(r *Record) { r.Body = append(r.Body, "body"...) })
				for _, v := range l.List(Filter{Limit: 4}) {
					if v.Body != "body" {
						t.Errorf("torn record: %q", v.Body)
					}
				}
			}
		})
	}
	wg.Wait()
	if v := l.List(Filter{Limit: 1}); v[0].Seq != 4000 {
		t.Errorf("%d records, want 4000", v[0].Seq)
	}
}

func TestCommitAllocatesNothing(t *testing.T) {
	l := New(Config{Capacity: 4})
	for range 100 {
		commit(l, "x", nil)
	}
	if n := testing.AllocsPerRun(1000, func() {
		r := l.Begin()
		r.Body = append(r.Body, "body"...)
		l.Commit(r)
	}); n > 0.1 { // the pool may be emptied by a collection
		t.Errorf("a record costs %v allocations", n)
	}
}

// Tokens are masked wherever they stand, and however a parameter's name is written.
func TestMaskingElsewhere(t *testing.T) {
	token := strings.Repeat("Ab1+/", 36) + "Ab=="
	l := New(Config{})
	commit(l, "x", func(r *Record) {
		r.Target = "/?token=" + strings.ReplaceAll(token, "+", "%2B") + "&X-Amz-Security%2DToken=secretsecret&X-Amz-Signatur%65=abcdef&X-Amz-Date=kept"
		r.Header = http.Header{"X-Token": {token}, "X-Amz-Content-Sha256": {strings.Repeat("0a", 32)},
			"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIASOUKSELLER2EXAMP/20261123/us-east-1/aws-marketplace/aws4_request, SignedHeaders=a;b, Signature=abcdef"}}
		r.Canonical = "POST\n/\ntoken=" + token + "\n" + strings.Repeat("0a", 32)
	})
	v, _ := l.Get("x")
	all := fmt.Sprint(v)
	for _, secret := range []string{token[:20], "Ab1%2B/Ab1%2B", "secretsecret", "abcdef"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q shows in %s", secret, all)
		}
	}
	for _, kept := range []string{"X-Amz-Date=kept", strings.Repeat("0a", 32), "AKIASOUKSELLER2EXAMP/20261123/us-east-1/aws-marketplace/aws4_request"} {
		if !strings.Contains(all, kept) {
			t.Errorf("%q is masked too: %s", kept, all)
		}
	}
}

// Strangers cannot make the log take more memory than it may.
func TestMaxBytes(t *testing.T) {
	l := New(Config{Capacity: 1000, MaxBytes: 1 << 20})
	for i := range 1000 {
		commit(l, fmt.Sprint(i), func(r *Record) {
			r.Body = append(r.Body, make([]byte, 100<<10)...)
			r.Header = http.Header{"X": {strings.Repeat("x", 10<<10)}}
		})
	}
	if n := len(l.List(Filter{Limit: 1000})); n < 20 || n > 100 || l.bytes > 1<<20 {
		t.Errorf("%d records of 14 KiB kept, %d bytes", n, l.bytes)
	}
	if v, ok := l.Get("999"); !ok || len(v.Body) > 2*maxStrangerBody || v.BodySize != 100<<10 {
		t.Errorf("the newest: %v, %d bytes shown", ok, len(v.Body))
	}
	for i := range 2000 { // small ones again: the ring recovers
		commit(l, fmt.Sprint("small", i), func(r *Record) { r.Principal = "p" })
	}
	if n := len(l.List(Filter{Limit: 1000})); n < 100 || l.bytes > 1<<20 {
		t.Errorf("%d small records kept, %d bytes", n, l.bytes)
	}
	sum := 0
	for _, k := range l.ring {
		sum += k.size
	}
	if sum != l.bytes {
		t.Errorf("the records take %d bytes, counted are %d", sum, l.bytes)
	}
}

// Whatever a caller sends, a line is one line of valid JSON that says the same.
func TestLineIsJSON(t *testing.T) {
	for _, s := range []string{"", "plain", "a\"b\\c", "line\nbreak\r\t\x00\x1f", "é ünïcode \U0001F600", "bad \xff\xfe", "\u2028", "\x7f\u009b2J\u061c\u200f\u2066"} {
		r := Record{ID: s, Principal: s, Remote: s, AccessKeyID: s, Region: s, ProductCode: s, Reason: s, ErrorCode: s, Operation: s, Time: time.Now(), Status: 200}
		line := r.appendLine(nil)
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%q: %v\n%s", s, err, line)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); s != "" && strings.ReplaceAll(got["principal"].(string), "\ufffd\ufffd", "\ufffd") != want {
			t.Errorf("%q became %q", s, got["principal"])
		}
		if i := bytes.IndexFunc(line[:len(line)-1], func(r rune) bool { return r < ' ' || r == 0x7f || r > 0x7f && obeyed(r) }); i >= 0 {
			t.Errorf("a terminal obeys %q: %q", s, line[i:])
		}
	}
}
