package reqlog

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSearch(t *testing.T) {
	l := New(Config{Capacity: 5000, MaxBytes: 1 << 30})
	secret := strings.Repeat("tokenSECRET", 10)
	commit(l, "needle", func(r *Record) {
		r.Buyer, r.LicenseARN = "210987654321", "arn:aws:license-manager::1:license:l-0b"
		r.Header = http.Header{"Amz-Sdk-Invocation-Id": {"call-1"}, "Authorization": {"AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=deadbeef"}}
		r.Body = append(r.Body, `{"RegistrationToken":"`+secret+`","Note":"Nadel"}`...)
	})
	for i := range 2*SearchLook + 10 {
		commit(l, fmt.Sprint(i), nil)
	}
	for name, q := range map[string]Query{
		"buyer": {Filter: Filter{Buyer: "210987654321"}}, "license": {Filter: Filter{License: "l-0b"}}, "text": {Text: "nADEL"}, "call": {Call: "call-1"},
	} {
		var got []string
		searches := 0
		for {
			found := l.Search(q)
			searches++
			got = append(got, ids(found.Views))
			if found.Looked != (found.Next != 0) {
				t.Errorf("%s: Looked %v, Next %d", name, found.Looked, found.Next)
			}
			if q.Before = found.Next; found.Next == 0 || searches > 10 {
				break
			}
		}
		if strings.Trim(strings.Join(got, " "), " ") != "needle" {
			t.Errorf("%s: found %q", name, got)
		}
		bounded := q.Text != "" || q.Call != "" // others need no masking, and look through everything at once
		if want := map[bool]int{true: 3, false: 1}[bounded]; searches != want {
			t.Errorf("%s: %d searches, want %d", name, searches, want)
		}
	}
	for _, text := range []string{"deadbeef", secret, secret[6:60]} { // nothing can be found out about a secret
		if found := l.Search(Query{Filter: Filter{Before: 2}, Text: text}); len(found.Views) != 0 {
			t.Errorf("a search finds the secret %.20s", text)
		}
	}
}

// Pages of a search join without gap or overlap, whatever narrows it.
func TestSearchPagesJoin(t *testing.T) {
	l := New(Config{Capacity: 5000, MaxBytes: 1 << 30})
	for i := range 777 {
		commit(l, fmt.Sprint(i), func(r *Record) { r.Reason = fmt.Sprint("third ", i%3); r.Operation = fmt.Sprint(i % 3) })
	}
	for _, q := range []Query{{Filter: Filter{Operation: "1", Limit: 7}}, {Filter: Filter{Limit: 7}, Text: "third 1"}} {
		seen := map[string]bool{}
		for n := 0; ; n++ {
			found := l.Search(q)
			for _, v := range found.Views {
				if seen[v.ID] || v.Operation != "1" || !q.Match(&v) {
					t.Fatalf("%s came twice, or does not match", v.ID)
				}
				seen[v.ID] = true
			}
			if q.Before = found.Next; found.Next == 0 || n > 100 {
				break
			}
		}
		if len(seen) != 259 {
			t.Errorf("%d found, want 259", len(seen))
		}
	}
}

func TestListAfter(t *testing.T) {
	l := New(Config{})
	for i := range 9 {
		commit(l, fmt.Sprint(i+1), nil)
	}
	for want, f := range map[string]Filter{"9 8": {After: 7}, "": {After: 9}, "6 5": {After: 4, Before: 7}, "9": {After: 3, Limit: 1}} {
		if got := ids(l.List(f)); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
}

// A list that lets go of the lock while records come and the oldest go sees each at most once, and in order.
func TestListWhileRecordsCome(t *testing.T) {
	l := New(Config{Capacity: 2*listHold + 100, MaxBytes: 1 << 30})
	fill := func(n int) {
		for range n {
			commit(l, "x", func(r *Record) { r.Operation = "A" })
		}
	}
	fill(2*listHold + 100)
	done := make(chan struct{})
	go func() { defer close(done); fill(20_000) }()
	for i := 0; ; i++ {
		last := uint64(1 << 62)
		for _, v := range l.List(Filter{Operation: "A", Limit: 3 * listHold}) {
			if v.Seq >= last || v.Operation != "A" {
				t.Fatalf("record %d after %d, operation %q", v.Seq, last, v.Operation)
			}
			last = v.Seq
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestStages(t *testing.T) {
	for name, clock := range map[string]func() time.Time{"machine's": time.Now, "another": func() time.Time { return time.Unix(1e9, 0) }} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Config{})
			r := l.Begin()
			var c Course
			c.Begin(clock())
			for _, s := range []Stage{Authenticating, Authorizing, Operating, Held, Operating, Answering} {
				time.Sleep(time.Millisecond)
				c.Enter(r, s)
			}
			time.Sleep(4 * time.Millisecond)
			c.End(r)
			r.ID = "x"
			l.Commit(r)
			v, _ := l.Get("x")
			want := []StageView{{"receive", 1e6}, {"authenticate", 1e6}, {"authorize", 1e6}, {"fault", 1e6}, {"operate", 2e6}, {"answer", 4e6}}
			if diff := cmp.Diff(want, v.Stages); diff != "" || v.DurationUS != 10_000 {
				t.Errorf("by the %s clock: took %d µs; stages (-want +got):\n%s", name, v.DurationUS, diff)
			}
		})
	}
	// Records are used again.
	l := New(Config{Capacity: 1})
	for range 3 {
		r := l.Begin()
		if r.Stages != [stages]time.Duration{} {
			t.Fatalf("a new record has stages %v", r.Stages)
		}
		r.Stages[Waiting] = 1
		l.Commit(r)
	}
}

// What can be a secret in headers, canonical requests and the answers that repeat them is masked, however short.
func TestShortSecretsAreMasked(t *testing.T) {
	l := New(Config{})
	canonical := "POST\n/\nX-Amz-Security-Token=sEcReT&a=b\nhost:h\nx-amz-security-token:sEcReT\n\nhost;x-amz-security-token\nhash"
	commit(l, "x", func(r *Record) {
		r.Status, r.ErrorCode, r.Canonical = 400, "InvalidSignatureException", canonical
		r.ErrorMessage = "The Canonical String should have been\n'" + canonical + "'"
		r.Response = append(r.Response, `{"message":"'POST\n/\nhost:h\nx-amz-security-token:sEcReT\n\nhost;x-amz-security-token\nhash'"}`...)
		r.Target = "/?x-amz-security-token=sEcReT&X-Amz-Signature=sEcReT"
		r.Header = http.Header{
			"Authorization":        {"Basic sEcReT", "sEcReT", "AWS4-HMAC-SHA256 Credential=k/s, Signature = sEcReT", "AWS4-HMAC-SHA256 signature=sEcReT"},
			"Proxy-Authorization":  {"Bearer sEcReT"},
			"X-Amz-Security-Token": {"sEcReT"}, "Cookie": {"a=sEcReT"},
		}
	})
	v, _ := l.Get("x")
	text := fmt.Sprintf("%+v", v)
	if i := strings.Index(text, "sEcReT"); i >= 0 {
		t.Errorf("a secret is shown: %s", text[max(0, i-60):i+6])
	}
	if !strings.Contains(v.Canonical, "\nx-amz-security-token:…\n\nhost;x-amz-security-token\nhash") || !strings.Contains(v.Response, `:…\n\nhost;x-amz-security-token\nhash`) {
		t.Errorf("more is masked than the secret: %s\n%s", v.Canonical, v.Response)
	}
}
