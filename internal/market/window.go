package market

import (
	"fmt"
	"strconv"
	"time"
)

const (
	msgTimestamp = "The timestamp value passed in the request is out of allowed range." // ours, after the model's description
	msgDimension = "The usage dimension does not match one of the UsageDimensions associated with the product."
)

// inWindow refuses records that are too old or from the future.
func (s *Service) inWindow(at, now time.Time, window time.Duration) error {
	reason := ""
	switch {
	case at.After(now.Add(futureTolerance)):
		reason = instant(at) + " is in the future: it is " + stamp(now)
		if ms := at.Unix(); ms > 1e11 { // the year 5138, if these were seconds
			switch t := time.UnixMilli(ms); {
			case t.Year() <= lastYear:
				reason += "; " + strconv.FormatInt(ms, 10) + " looks like milliseconds, where seconds belong: " + stamp(t)
			default:
				reason += "; it looks like microseconds or nanoseconds, where seconds belong"
			}
		}
	case !now.Before(at.Add(window)):
		reason = instant(at) + " is " + window.String() + " or more ago: it is " + stamp(now)
	case monthOver(at, now):
		reason = instant(at) + " is in a month that was closed at 06:00 UTC on the 1st: it is " + stamp(now)
	default:
		return nil
	}
	return &Error{Code: TimestampOutOfBounds, Message: msgTimestamp, Reason: reason}
}

// monthOver reports whether the billing month of a time is closed.
func monthOver(at, now time.Time) bool {
	y, m, _ := now.UTC().Date()
	first := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	return at.Before(first) && !now.Before(first.Add(monthGrace))
}

// instant writes a time that a caller made up: RFC 3339 while it can, seconds beyond.
func instant(t time.Time) string {
	if y := t.Year(); y < 1 || y > lastYear {
		return strconv.FormatInt(t.Unix(), 10)
	}
	return stamp(t)
}

func badDimension(p *productEntry, key []byte, d *Dimension) error {
	e := &Error{Code: InvalidDimension, Message: msgDimension}
	e.Reason = "product " + p.Code + " has no dimension " + quoteShort(key)
	if d != nil {
		e.Reason = fmt.Sprintf("dimension %q of product %s is %s, not metered", d.Key, p.Code, d.Kind)
	}
	return e
}

// quoteShort quotes what a caller sent, cut to what a log line can bear.
func quoteShort(b []byte) string {
	if len(b) > 64 {
		return strconv.Quote(string(b[:64])) + "…"
	}
	return strconv.Quote(string(b))
}
