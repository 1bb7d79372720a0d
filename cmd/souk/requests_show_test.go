package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/reqlog"
)

// hostile is what somebody may send who wants a terminal to show something else than what happened.
const hostile = "a\x1b[2J\x1b]0;owned\x07b\nRequest\r\nDecision\n  allowed\u202egnihton\u2028Who\x9bc"

// fill puts s into every text of v, however deep.
func fill(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), s)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), s)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), s)
		}
	}
}

// Whatever stands in a record, a line that begins at the margin is one of ours, and nothing reaches the terminal but text.
func TestDescribeHostileRequest(t *testing.T) {
	t.Parallel()
	var v reqlog.View
	fill(reflect.ValueOf(&v).Elem(), hostile)
	v.Status, v.BodySize = 0, reqlog.MaxBody+1
	var out bytes.Buffer
	if err := describeRequest(&out, &v, false); err != nil {
		t.Fatal(err)
	}
	if bad := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x202e }); bad >= 0 {
		t.Errorf("%q at %d", out.String()[bad:bad+10], bad)
	}
	headings := map[string]int{}
	for i, line := range strings.Split(strings.TrimRight(out.String(), "\n"), "\n") {
		if i > 0 && line != "" && !strings.HasPrefix(line, "  ") {
			headings[line]++
		}
	}
	for _, want := range []string{"Who", "Time", "Decision", "About", "Request", "Response, which was not sent",
		"Canonical request, as it should have been signed", "String to sign, as it should have been signed"} {
		if headings[want] != 1 {
			t.Errorf("heading %q stands %d times", want, headings[want])
		}
		delete(headings, want)
	}
	for line := range headings {
		t.Errorf("at the margin: %q", line)
	}
	if !strings.Contains(out.String(), "(the first 65536 of 65537 bytes)") {
		t.Error("it is not said that the body is longer than what is shown")
	}
	for _, cell := range requestRow(&v, false) {
		if strings.ContainsFunc(cell, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x2028 }) {
			t.Errorf("cell %q", cell)
		}
	}
}

// A request that is not even one has no empty parts.
func TestDescribeEmptyRequest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := describeRequest(&out, &reqlog.View{ID: "id", Outcome: "cut"}, false); err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{"Who", "About", "Response", "Canonical", "String to sign", "message", "fault"} {
		if strings.Contains(out.String(), absent) {
			t.Errorf("it has %q:\n%s", absent, &out)
		}
	}
	if !strings.Contains(out.String(), "Decision\n  none: the request did not come that far\n") {
		t.Errorf("no word on the decision:\n%s", &out)
	}
}

func TestDescribeColours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ outcome, fault, code string }{
		{"ok", "", colourOK}, {"InvalidTokenException", "", colourError}, {"ok", "flt-1", colourFault}, {"cut", "flt-1", colourFault},
	} {
		v := reqlog.View{Outcome: c.outcome, FaultID: c.fault}
		var out bytes.Buffer
		if err := describeRequest(&out, &v, true); err != nil {
			t.Fatal(err)
		}
		want := "\x1b[" + c.code + "m" + c.outcome + "\x1b[0m"
		if !strings.Contains(out.String(), want) || requestRow(&v, true)[1] != want {
			t.Errorf("%+v is not painted as %q: %q, %q", c, want, out.String(), requestRow(&v, true)[1])
		}
	}
}

func TestDecision(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		view *reqlog.AuthzView
		want string
	}{
		{nil, "none: the request did not come that far"},
		{&reqlog.AuthzView{Allowed: true, Why: "allowed by statement 0"}, "allowed by statement 0"},
		{&reqlog.AuthzView{Allowed: true, Why: "nobody asked"}, "allowed: nobody asked"},
		{&reqlog.AuthzView{Why: "explicitly denied by statement 1"}, "explicitly denied by statement 1"},
		{&reqlog.AuthzView{Why: "no policy allows it"}, "denied: no policy allows it"},
	} {
		if got := decision(c.view); got != c.want {
			t.Errorf("decision(%+v) = %q, want %q", c.view, got, c.want)
		}
	}
}

func TestMarketTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for off, want := range map[time.Duration]string{0: "", 999 * time.Millisecond: "", time.Hour: "2026-06-01T13:00:00Z", -time.Hour: "2026-06-01T11:00:00Z"} {
		if got := marketTime(&reqlog.View{Time: now, MarketTime: now.Add(off)}); got != want {
			t.Errorf("off by %s: %q, want %q", off, got, want)
		}
	}
}
