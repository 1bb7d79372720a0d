package iam

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// number is "an integer or decimal value". Integers of up to 18 digits compare exactly, whatever else as float64.
type number struct {
	integer int64
	float   float64
	exact   bool // integer holds it too
}

func (n number) compare(m number) int {
	if n.exact && m.exact {
		return cmp.Compare(n.integer, m.integer)
	}
	return cmp.Compare(n.float, m.float)
}

// parseNumber takes an optional minus, digits, and optionally a fraction and an exponent. It does not take the rest that
// strconv does: hexadecimal, underscores, infinities.
func parseNumber(s string) (number, bool) {
	digits := strings.TrimPrefix(s, "-")
	whole := countDigits(digits)
	if whole == 0 {
		return number{}, false
	}
	if whole == len(digits) && whole <= 18 {
		var n int64
		for i := range len(digits) {
			n = n*10 + int64(digits[i]-'0')
		}
		if len(digits) < len(s) {
			n = -n
		}
		return number{integer: n, float: float64(n), exact: true}, true
	}
	rest := digits[whole:]
	if frac, ok := strings.CutPrefix(rest, "."); ok {
		n := countDigits(frac)
		if n == 0 {
			return number{}, false
		}
		rest = frac[n:]
	}
	if rest != "" {
		if rest[0] != 'e' && rest[0] != 'E' {
			return number{}, false
		}
		exp := rest[1:]
		if exp != "" && (exp[0] == '+' || exp[0] == '-') {
			exp = exp[1:]
		}
		if n := countDigits(exp); n == 0 || n < len(exp) {
			return number{}, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return number{float: f}, err == nil
}

// countDigits is how many ASCII digits s begins with.
func countDigits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// instant is a point in time, in seconds since 1970 UTC and nanoseconds on top.
type instant struct {
	seconds int64
	nanos   int32
}

func (t instant) compare(u instant) int {
	return cmp.Or(cmp.Compare(t.seconds, u.seconds), cmp.Compare(t.nanos, u.nanos))
}

// parseInstant takes "one of the W3C implementations of the ISO 8601 date formats or epoch (UNIX) time". The former are
// YYYY, YYYY-MM, YYYY-MM-DD, and with Thh:mm, Thh:mm:ss or Thh:mm:ss.s a zone, Z or ±hh:mm (www.w3.org/TR/NOTE-datetime).
// Digits alone are seconds, but for four of them, which are a year: no policy means the first three hours of 1970.
func parseInstant(s string) (instant, bool) {
	digits := strings.TrimPrefix(s, "-")
	if n := countDigits(digits); n == len(digits) && n > 0 && n <= 18 && (n != 4 || len(s) > n) {
		seconds, _ := parseNumber(s)
		return instant{seconds: seconds.integer}, true
	}
	d := dateReader{rest: s, ok: true}
	year, month, day := d.digits(4, 0, 9999), 1, 1
	if d.take("-") {
		month = d.digits(2, 1, 12)
		if d.take("-") {
			day = d.digits(2, 1, 31)
			if d.take("T") {
				return d.clock(year, month, day)
			}
		}
	}
	return d.at(year, month, day, 0)
}

// dateReader reads a date from the left; ok stays false from the first thing on that is not right.
type dateReader struct {
	rest string
	ok   bool
}

func (d *dateReader) take(s string) bool {
	rest, ok := strings.CutPrefix(d.rest, s)
	d.rest = rest
	return ok
}

// digits reads a number of exactly n digits between low and high.
func (d *dateReader) digits(n, low, high int) int {
	if countDigits(d.rest) < n {
		d.ok = false
		return low
	}
	v := 0
	for i := range n {
		v = v*10 + int(d.rest[i]-'0')
	}
	d.rest = d.rest[n:]
	if v < low || v > high {
		d.ok = false
	}
	return v
}

// clock reads the time of day and its zone.
func (d *dateReader) clock(year, month, day int) (instant, bool) {
	seconds := d.digits(2, 0, 23) * 3600
	d.ok = d.ok && d.take(":")
	seconds += d.digits(2, 0, 59) * 60
	nanos := 0
	if d.take(":") {
		seconds += d.digits(2, 0, 59)
		if d.take(".") {
			n := countDigits(d.rest)
			d.ok = d.ok && n > 0
			for i := range 9 { // what is finer than nanoseconds is cut
				nanos *= 10
				if i < n {
					nanos += int(d.rest[i] - '0')
				}
			}
			d.rest = d.rest[n:]
		}
	}
	if !d.take("Z") {
		sign := 0
		if d.take("+") {
			sign = 1
		} else if d.take("-") {
			sign = -1
		}
		d.ok = d.ok && sign != 0
		offset := d.digits(2, 0, 23) * 3600
		d.ok = d.ok && d.take(":")
		offset += d.digits(2, 0, 59) * 60
		seconds -= sign * offset
	}
	t, ok := d.at(year, month, day, seconds)
	t.nanos = int32(nanos)
	return t, ok
}

func (d *dateReader) at(year, month, day, seconds int) (instant, bool) {
	if !d.ok || d.rest != "" {
		return instant{}, false
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return instant{seconds: t.Unix() + int64(seconds)}, t.Day() == day // February 30th is in March
}

// parseBool takes "true" and "false", in any case.
func parseBool(s string) (value, ok bool) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, true
	case strings.EqualFold(s, "false"):
		return false, true
	default:
		return false, false
	}
}

// parseAddr takes an address of a request. An IPv4 address that came in an IPv6 form is the IPv4 address.
func parseAddr(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	return addr.WithZone("").Unmap(), err == nil
}

// parseNetwork takes a CIDR range, or an address, which is the range of itself alone. Bits beyond the prefix are ignored.
func parseNetwork(s string) (netip.Prefix, bool) {
	addr, err := netip.ParseAddr(s)
	if err == nil {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), addr.Zone() == ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
