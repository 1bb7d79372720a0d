package reqlog

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// appendLine appends r's line of the access log: JSON, with the members that slog.JSONHandler would write. It is written by hand because slog takes
// 1.5 µs for it, a tenth of a whole request.
func (r *Record) appendLine(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = r.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","level":"INFO","msg":"request"`...)
	b = appendMember(b, "id", r.ID)
	b = appendMember(b, "op", r.Operation)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = appendMember(b, "outcome", r.Outcome())
	b = append(b, `,"us":`...)
	b = strconv.AppendInt(b, r.Duration.Microseconds(), 10)
	b = appendMember(b, "remote", r.Remote)
	b = appendMember(b, "key", r.AccessKeyID)
	b = appendMember(b, "principal", r.Principal)
	b = appendMember(b, "region", r.Region)
	b = appendMember(b, "product", r.ProductCode)
	if r.Reason != "" {
		b = appendMember(b, "reason", r.Reason)
	}
	return append(b, "}\n"...)
}

func appendMember(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':', '"')
	b = appendEscaped(b, value)
	return append(b, '"')
}

// appendEscaped appends what stands between the quotes of a JSON string. Nothing that a caller sends can end the line or the string, nor
// is obeyed by the terminal that shows it; what is not UTF-8 becomes U+FFFD.
func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < 0x7f {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			if r, size = utf8.DecodeRuneInString(s[i:]); size > 1 && !obeyed(r) {
				i += size
				continue
			}
		}
		b = append(b, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case size == 1 && c >= utf8.RuneSelf:
			b = append(b, "\ufffd"...)
		default:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		}
		i += size
		start = i
	}
	return append(b, s[start:]...)
}

// obeyed reports whether a terminal or an editor does something about r, beyond ASCII, in place of showing it: the control characters of ISO 6429, which xterm
// takes for escape sequences; separators of lines; and what turns the direction of text (Unicode Standard Annex 9).
func obeyed(r rune) bool {
	return r < 0xa0 || r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
