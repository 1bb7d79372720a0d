package main

import (
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// The exit status tells a command that failed from one that was not understood.
func TestExitStatus(t *testing.T) {
	nowhere := []string{"--control", "127.0.0.1:1"}
	tests := map[string]struct {
		args []string
		want int
	}{
		"ok":              {[]string{"version"}, 0},
		"help":            {[]string{"buy", "--help"}, 0},
		"failed":          {append([]string{"buy", "--product", "x"}, nowhere...), 1},
		"unknown command": {[]string{"nonesuch"}, 2},
		"unknown flag":    {[]string{"buy", "--nonesuch"}, 2},
		"missing flag":    {[]string{"buy"}, 2},
		"bad flag":        {[]string{"buy", "--product", "x", "--post-to", "ftp://x/"}, 2},
		"useless rule":    {append([]string{"fault", "add"}, nowhere...), 2},
		"bad span":        {append([]string{"clock", "advance", "soon"}, nowhere...), 2},
		"bad shell":       {append([]string{"env", "--shell", "tcsh"}, nowhere...), 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := runSouk(t, noEnv, tt.args...)
			if status != tt.want {
				t.Errorf("status %d, want %d\n%s", status, tt.want, stderr)
			}
			if (status == 0) != (stderr == "") || (status == 0) == (stdout == "") {
				t.Errorf("status %d with stdout %q, stderr %q", status, stdout, stderr)
			}
			if status != 0 && !strings.HasPrefix(stderr, "souk: ") {
				t.Errorf("stderr does not begin with %q: %s", "souk: ", stderr)
			}
		})
	}
}

func TestSpan(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "4h1m": 4*time.Hour + time.Minute, "14d": 14 * day, "1d12h": 36 * time.Hour, "100000d": 100000 * day,
		"": 0, "0s": 0, "0d": 0, "-1h": 0, "-1d": 0, "1d-2h": 22 * time.Hour, "d": 0, "1": 0, "1dd": 0, "100001d": 0, "9999999d": 0, "100000d2500000h": 0, "soon": 0,
	} {
		var s span
		err := s.UnmarshalText([]byte(text))
		if (err == nil) != (want > 0) || time.Duration(s) != want {
			t.Errorf("span %q is %v, %v; want %v", text, time.Duration(s), err, want)
		}
	}
}

func TestInstant(t *testing.T) {
	for text, want := range map[string]string{
		"2026-12-24T18:00:00Z": "2026-12-24T18:00:00Z", "2026-12-24T18:00:00+01:00": "2026-12-24T17:00:00Z", "2026-12-24": "2026-12-24T00:00:00Z",
		"2026-12-24T18:30": "2026-12-24T18:30:00Z", "2026-12-24 18:30:15": "2026-12-24T18:30:15Z", "2026-13-01": "", "24.12.2026": "", "": "",
	} {
		var i instant
		err := i.UnmarshalText([]byte(text))
		got := ""
		if err == nil {
			got = time.Time(i).Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("instant %q is %q (%v), want %q", text, got, err, want)
		}
	}
}

func TestBuild(t *testing.T) {
	b := buildOf(&debug.BuildInfo{
		GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-11-23T00:00:00Z"}, {Key: "vcs.modified", Value: "true"}},
	})
	if want := (build{"v1.2.3", "0123456789abcdef0123", "2026-11-23T00:00:00Z", true, "go1.26.8"}); b != want {
		t.Errorf("build %+v, want %+v", b, want)
	}
	if got, want := b.String(), "souk v1.2.3 (commit 0123456789ab, changed since, go1.26.8)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := buildOf(&debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "(devel)"}}).String(), "souk devel (go1.26.8)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBar(t *testing.T) {
	for want, at := range map[string][2]int64{
		"[------------------------------]   0 %  0 of 10":                   {0, 10},
		"[###############---------------]  50 %  5 of 10":                   {5, 10},
		"[##############################] 100 %  10 of 10":                  {10, 10},
		"[#############################-]  99 %  9999999999 of 10000000000": {9999999999, 10000000000},
		"[------------------------------]   0 %  0 of 3":                    {-1, 3}, // before the head of a CSV file
		"11": {11, 10}, "7": {7, -1}, "0": {0, 0},
	} {
		if got := bar(at[0], at[1]); got != want {
			t.Errorf("bar(%d, %d) = %q, want %q", at[0], at[1], got, want)
		}
	}
}

// A bar is drawn now and then, and taken away at the end; what is no terminal sees none.
func TestProgress(t *testing.T) {
	var out strings.Builder
	now := time.Unix(0, 0)
	p := &progress{to: &out, what: "exporting", now: func() time.Time { return now }}
	p.at(1, 2)
	p.at(2, 2) // at once: not drawn
	now = now.Add(redraw)
	p.at(2, 2)
	p.done()
	want := "\rexporting [###############---------------]  50 %  1 of 2\x1b[K\rexporting [##############################] 100 %  2 of 2\x1b[K\r\x1b[K"
	if out.String() != want {
		t.Errorf("drew %q, want %q", out.String(), want)
	}
	a := &app{stderr: &out, getenv: noEnv}
	out.Reset()
	quiet := a.progress("exporting")
	quiet.at(1, 2)
	quiet.done()
	if out.String() != "" {
		t.Errorf("drew %q on what is no terminal", out.String())
	}
}
