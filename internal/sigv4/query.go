package sigv4

import (
	"cmp"
	"slices"
	"strings"
)

// param is one parameter of the query string, both halves in canonical encoding.
type param struct{ key, value string }

// appendParams splits a query string, in its order. Empty pieces do not count; a key without "=" has the empty value.
func appendParams(params []param, query string) []param {
	for query != "" {
		var piece string
		piece, query, _ = cut(query, '&')
		if piece == "" {
			continue
		}
		key, value, _ := cut(piece, '=')
		params = append(params, param{canonicalComponent(key), canonicalComponent(value)})
	}
	return params
}

// lookup finds a parameter and decodes its value. The first of several counts. key must need no encoding.
func lookup(params []param, key string) (value string, ok bool) {
	for i := range params {
		if params[i].key == key {
			return unescape(params[i].value), true
		}
	}
	return "", false
}

// sortParams brings the parameters into canonical order: by key, then by value, as encoded. A presigned request's signature goes; only
// the first, for that is the one that counts.
func sortParams(params []param, presigned bool) []param {
	if presigned {
		i := slices.IndexFunc(params, func(p param) bool { return p.key == "X-Amz-Signature" })
		if i >= 0 {
			params = slices.Delete(params, i, i+1)
		}
	}
	slices.SortFunc(params, func(a, b param) int {
		return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.value, b.value))
	})
	return params
}

// appendQuery writes the canonical query string of sorted parameters.
func appendQuery(dst []byte, params []param, mask bool) []byte {
	for i, p := range params {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(append(dst, p.key...), '=')
		if mask && p.key == "X-Amz-Security-Token" {
			dst = append(dst, masked...)
		} else {
			dst = append(dst, p.value...)
		}
	}
	return dst
}

// canonicalComponent brings a key or a value to the one encoding that counts: decoded once, encoded once. Mostly it has it already.
func canonicalComponent(s string) string {
	for i := 0; i < len(s); i++ {
		if isUnreserved(s[i]) {
			continue
		}
		if s[i] == '%' && i+2 < len(s) && isUpperHex(s[i+1]) && isUpperHex(s[i+2]) && !isUnreserved(unhex(s[i+1])<<4|unhex(s[i+2])) {
			i += 2
			continue
		}
		plain := unescape(s)
		return string(appendEscaped(make([]byte, 0, len(plain)+16), plain, false))
	}
	return s
}

// unescape decodes %XX and "+". A "%" that begins no escape stands for itself; net/http has refused it in paths already.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func isUpperHex(c byte) bool { return c-'0' < 10 || c-'A' < 6 }
func isHex(c byte) bool      { return c-'0' < 10 || (c|0x20)-'a' < 6 }

// unhex is the value of a hexadecimal digit, which c must be.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0xf + 9
}
