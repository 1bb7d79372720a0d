package sigv4

import (
	"net/http"
	"strings"
)

// rawPath is the path as it stood on the wire, still encoded. r.URL cannot say: it keeps the encoding only where it differs from
// its own idea of it.
func rawPath(r *http.Request) string {
	p := r.RequestURI
	if p == "" { // a request that is to be sent
		p = r.URL.EscapedPath()
	} else {
		p, _, _ = cut(p, '?')
		if p != "" && p[0] != '/' && p != "*" { // absolute form, http://host/path
			if _, after, ok := strings.Cut(p, "://"); ok {
				p = ""
				if slash := strings.IndexByte(after, '/'); slash >= 0 {
					p = after[slash:]
				}
			}
		}
	}
	if p == "" {
		return "/"
	}
	return p
}

// normalPath removes empty, "." and ".." segments, the way botocore and the JavaScript SDK do before they sign: not quite RFC 3986, for
// "/a/b/.." gives "/a". It returns p itself where there is nothing to remove.
func normalPath(p string) string {
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return p
	}
	kept := make([]byte, 0, len(p))
	for rest, more := p, true; more; {
		var segment string
		segment, rest, more = cut(rest, '/')
		switch segment {
		case "", ".":
		case "..":
			for n := len(kept) - 1; n >= 0; n-- {
				if kept[n] == '/' {
					kept = kept[:n]
					break
				}
			}
		default:
			kept = append(append(kept, '/'), segment...)
		}
	}
	if len(kept) == 0 || p[len(p)-1] == '/' {
		kept = append(kept, '/')
	}
	return string(kept)
}

// appendEscaped URI-encodes s: everything but the unreserved characters of RFC 3986 and, where slash is set, '/'.
func appendEscaped(dst []byte, s string, slash bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; isUnreserved(c) || c == '/' && slash {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// isUnreserved reports the characters that SigV4 never encodes.
func isUnreserved(c byte) bool {
	return (c|0x20)-'a' < 26 || c-'0' < 10 || c == '-' || c == '.' || c == '_' || c == '~'
}
