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

// appendEscaped appends what stands between the quotes of a JSON string. Nothing that a caller sends can end the line or the string; what is not
// UTF-8 becomes U+FFFD.
func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if _, size := utf8.DecodeRuneInString(s[i:]); size > 1 {
				i += size
				continue
			}
		}
		b = append(b, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, "\ufffd"...)
		}
		i++
		start = i
	}
	return append(b, s[start:]...)
}
