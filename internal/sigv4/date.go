package sigv4

import (
	"net/http"
	"strconv"
	"time"
)

const (
	basicFormat = "20060102T150405Z"
	dateLength  = len("20060102")
)

func compact(t time.Time) string { return t.UTC().Format(basicFormat) }

// minutes writes a window the way the messages do: "15 min.", and seconds only where it is not whole minutes.
func minutes(d time.Duration) string {
	if d%time.Minute == 0 {
		return strconv.FormatInt(int64(d/time.Minute), 10) + " min."
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + " sec."
}

// parseBasic reads the ISO 8601 basic format, 20060102T150405Z. It is time.Parse for that one layout, at a tenth of its cost.
func parseBasic(s string) (time.Time, bool) {
	if len(s) != len(basicFormat) || s[8] != 'T' || s[15] != 'Z' {
		return time.Time{}, false
	}
	year, month, day := digits(s[0:4]), digits(s[4:6]), digits(s[6:8])
	hour, minute, second := digits(s[9:11]), digits(s[11:13]), digits(s[13:15])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
		minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if day > 28 && t.Day() != day { // 30 February
		return time.Time{}, false
	}
	return t, true
}

// digits is the number that s spells, or negative where s is not all digits.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return -1
		}
		n = n*10 + int(d)
	}
	return n
}

// parseHeaderDate reads the date of a request from its header. Beside the basic format AWS tolerates the extended one,
// 2006-01-02T15:04:05Z; and a Date header may have the form that HTTP gives it, which is what botocore signs
// when a request has a Date. Whatever the form, the signature is made over the basic one, which is returned with the time.
func parseHeaderDate(s string, httpDate bool) (t time.Time, basic string, ok bool) {
	if t, ok := parseBasic(s); ok {
		return t, s, true
	}
	t, err := time.Parse("2006-01-02T15:04:05Z", s)
	if err != nil && httpDate {
		t, err = time.Parse(http.TimeFormat, s)
	}
	if err != nil || t.Nanosecond() != 0 {
		return time.Time{}, "", false
	}
	return t, compact(t), true
}
