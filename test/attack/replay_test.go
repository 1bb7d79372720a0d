package attack

import (
	"net/http"
	"testing"
	"time"
)

const (
	checkDate = "internal/sigv4/verify.go:checkDate"
	wallClock = "internal/api/call.go:authenticate (the wall clock)"
	expired   = "Signature expired"
	notYet    = "Signature not yet current"
)

// within sends what forge makes of an instant, and returns the answer of an attempt that began and ended in one second: the server then saw that second too,
// and what is signed for an instant that many seconds off is exactly that old.
func within(t *testing.T, s *souk, forge func(now time.Time) *forgery) answer {
	t.Helper()
	for range 100 {
		now := time.Now().Truncate(time.Second)
		got := forge(now).send(t, s)
		if time.Now().Truncate(time.Second).Equal(now) {
			return got
		}
	}
	t.Fatal("no request takes less than a second")
	return answer{}
}

func replays(t *testing.T, s *siege) {
	for _, c := range []struct {
		name   string
		off    time.Duration
		refuse string // a part of the message; "": it is let in
	}{
		{"15 minutes old", -15 * time.Minute, ""},
		{"15 minutes and a second old", -15*time.Minute - time.Second, expired},
		{"a day old", -24 * time.Hour, expired},
		{"a year old", -365 * 24 * time.Hour, expired},
		{"15 minutes ahead", 15 * time.Minute, ""},
		{"15 minutes and a second ahead", 15*time.Minute + time.Second, notYet},
		{"a day ahead", 24 * time.Hour, notYet},
	} {
		forge := func(now time.Time) *forgery {
			f := call(s.dev, victim, "BatchMeterUsage", noUsage)
			f.at = now.Add(c.off)
			return f
		}
		for form, sign := range map[string]func(*forgery) *forgery{
			"header":    (*forgery).sign,
			"presigned": func(f *forgery) *forgery { return f.presign("") },
		} {
			t.Run(c.name+", "+form, func(t *testing.T) {
				got := within(t, s.dev, func(now time.Time) *forgery { return sign(forge(now)) })
				if c.refuse == "" {
					accepted(t, got)
				} else {
					refused(t, checkDate, got, http.StatusBadRequest, badSig, c.refuse)
				}
			})
		}
	}
	t.Run("dates", func(t *testing.T) { staleDates(t, s) })
	t.Run("presigned", func(t *testing.T) { stalePresigned(t, s) })
	t.Run("market clock", func(t *testing.T) { movedClock(t, s) })
}

// staleDates: a request that was recorded an hour ago, and what could make it young again.
func staleDates(t *testing.T, s *siege) {
	const guard, unsigned = "internal/sigv4/claim.go:readHeader", "internal/sigv4/claim.go:checkHeaders"
	now := time.Now().UTC()
	recorded := func() *forgery {
		f := call(s.dev, victim, "BatchMeterUsage", noUsage)
		f.at = now.Add(-time.Hour)
		return f.sign()
	}
	for _, c := range []forgeCase{
		{"as it is", checkDate, func(*forgery) {}, badSig, expired},
		{"with a Date of now", guard, func(f *forgery) { f.add("Date", now.Format(http.TimeFormat)) }, badSig, expired},
		{"with a Date of now, X-Amz-Date taken away", unsigned, func(f *forgery) { f.drop("X-Amz-Date"); f.add("Date", now.Format(http.TimeFormat)) }, badSig, "'Date' must be a 'SignedHeader'"},
		{"with an X-Amz-Date that is empty", unsigned, func(f *forgery) { f.set("X-Amz-Date", ""); f.add("Date", now.Format(http.TimeFormat)) }, badSig, "'Date' must be a 'SignedHeader'"},
		{"with an X-Amz-Date of now", "internal/sigv4/key.go:sign", func(f *forgery) { f.set("X-Amz-Date", now.Format(basicDate)) }, badSig, ""},
		{"with an X-Amz-Date of now before its own", signedHeader, func(f *forgery) {
			f.set("X-Amz-Date", now.Format(basicDate)+"\r\nX-Amz-Date: "+f.at.UTC().Format(basicDate))
		}, badSig, ""},
		{"with an X-Amz-Date of now behind its own", checkDate, func(f *forgery) { f.add("X-Amz-Date", now.Format(basicDate)) }, badSig, expired},
		{"with a zone", "internal/sigv4/date.go:parseHeaderDate", func(f *forgery) { f.set("X-Amz-Date", f.at.UTC().Format("20060102T150405")+"-0100") }, incomplete, "ISO-8601"},
		{"with two digits of fraction", "internal/sigv4/date.go:parseHeaderDate", func(f *forgery) { f.set("X-Amz-Date", now.Format("2006-01-02T15:04:05.00Z")) }, incomplete, "ISO-8601"},
		{"with no date at all", guard, func(f *forgery) { f.drop("X-Amz-Date") }, incomplete, "existence of either a 'X-Amz-Date' or a 'Date' header"},
		{"with the date in the query string", guard, func(f *forgery) { f.drop("X-Amz-Date"); f.target = "/?X-Amz-Date=" + now.Format(basicDate) }, incomplete, "existence of either"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := recorded()
			c.forge(f)
			refused(t, c.guard, f.send(t, s.dev), http.StatusBadRequest, c.code, c.text)
		})
	}
	// The honest neighbours: a stale Date that nobody reads, and the extended form of the date.
	f := call(s.dev, victim, "BatchMeterUsage", noUsage)
	f.add("Date", now.Add(-time.Hour).Format(http.TimeFormat))
	accepted(t, f.sign().send(t, s.dev))
	f.set("X-Amz-Date", f.at.UTC().Format("2006-01-02T15:04:05Z"))
	f.drop("Date")
	f.names = []string{"content-type", "host", "x-amz-date", "x-amz-target"}
	f.edit(f.signature(), f.over(f.method, f.target, f.names))
	f.edit("content-type;date;host", "content-type;host")
	accepted(t, f.send(t, s.dev))
}

// stalePresigned: the life that a presigned request states bounds it, and is bounded.
func stalePresigned(t *testing.T, s *siege) {
	for _, c := range []struct {
		name, expires string
		age           time.Duration
		code, text    string // "" is let in
	}{
		{"an hour, an hour ago", "3600", time.Hour, "", ""},
		{"an hour, an hour and a second ago", "3600", time.Hour + time.Second, badSig, expired},
		{"a second, two seconds ago", "1", 2 * time.Second, badSig, expired},
		{"a day, 15 minutes and a second ahead", "86400", -15*time.Minute - time.Second, badSig, notYet},
		{"a day, 15 minutes ahead", "86400", -15 * time.Minute, "", ""},
		{"a week", "604800", 6 * 24 * time.Hour, "", ""},
		{"a week and a second", "604801", 0, incomplete, "X-Amz-Expires"},
		{"nothing", "0", 0, incomplete, "X-Amz-Expires"},
		{"less than nothing", "-1", 0, incomplete, "X-Amz-Expires"},
		{"more than a word holds", "18446744073709551617", 0, incomplete, "X-Amz-Expires"},
		{"hexadecimal", "0xff", 0, incomplete, "X-Amz-Expires"},
		{"a sign", "+300", 0, incomplete, "X-Amz-Expires"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := within(t, s.dev, func(now time.Time) *forgery {
				f := call(s.dev, victim, "BatchMeterUsage", noUsage)
				f.at = now.Add(-c.age)
				return f.presign(c.expires)
			})
			if c.code == "" {
				accepted(t, got)
			} else {
				refused(t, checkDate, got, http.StatusBadRequest, c.code, c.text)
			}
		})
	}
}

// movedClock: whoever may move the market's clock can not let an old signature in by it, nor an expired session.
func movedClock(t *testing.T, s *siege) {
	at := func(when time.Time, k key) answer {
		f := call(s.lit, k, "BatchMeterUsage", noUsage)
		f.at = when
		return f.sign().send(t, s.lit)
	}
	short, long := s.lit.session(t, victimRole, "short", "1s"), s.lit.session(t, victimRole, "long", "1h")
	s.lit.do(t, http.MethodPost, "/api/v1/clock/freeze", nil, nil)
	var clock struct{ Now, Wall time.Time }
	s.lit.do(t, http.MethodPost, "/api/v1/clock/advance", map[string]string{"by": "48h"}, &clock)
	if ahead := clock.Now.Sub(clock.Wall); ahead < 47*time.Hour {
		t.Fatalf("the clock is only %s ahead", ahead)
	}
	refused(t, wallClock, at(clock.Now, victim), http.StatusBadRequest, badSig, notYet)
	got := at(time.Now(), victim)
	accepted(t, got)
	if date, err := http.ParseTime(got.header.Get("Date")); err != nil || time.Since(date).Abs() > time.Minute {
		t.Errorf("the Date header says %q: SDKs set their clocks by it\nguard: the Date header is net/http's", got.header.Get("Date"))
	}
	accepted(t, at(time.Now(), long)) // two days ahead, and its hour is not over
	deadline := time.Now().Add(patience)
	for got = at(time.Now(), short); got.status == http.StatusOK && time.Now().Before(deadline); got = at(time.Now(), short) {
		time.Sleep(20 * time.Millisecond)
	}
	refused(t, "internal/account/session.go:Lookup (the wall clock)", got, http.StatusBadRequest, "ExpiredTokenException", "security token included in the request is expired")
	unsigned := call(s.lit, short, "BatchMeterUsage", noUsage)
	unsigned.key.secret = victim.secret
	refused(t, "internal/sigv4/verify.go:lookup", unsigned.sign().send(t, s.lit), http.StatusBadRequest, "ExpiredTokenException", "")
}
