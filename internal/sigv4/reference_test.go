package sigv4

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// The canonical request, once more, as plainly as it can be said: what the fast one is held to.

func referenceCanonical(r *http.Request, path string, presigned bool, signedHeaders string, body []byte) string {
	names := strings.Split(strings.ToLower(signedHeaders), ";")
	sort.Strings(names)
	lines := []string{r.Method, referenceEscape(path, "/"), referenceQuery(r.URL.RawQuery, presigned)}
	for _, name := range names {
		values := r.Header.Values(name)
		switch {
		case name == "host" || name == ":authority":
			values = []string{r.Host}
		case name == "content-length" && len(values) == 0 && r.ContentLength < 0:
			values = []string{strconv.Itoa(len(body))}
		case name == "content-length" && len(values) == 0:
			values = []string{fmt.Sprint(r.ContentLength)}
		case name == "transfer-encoding" && len(values) == 0:
			values = r.TransferEncoding
		}
		if len(values) == 0 {
			continue
		}
		var clean []string
		for _, v := range values {
			clean = append(clean, regexp.MustCompile(` +`).ReplaceAllString(strings.Trim(v, " \t"), " "))
		}
		lines = append(lines, name+":"+strings.Join(clean, ","))
	}
	lines = append(lines, "", strings.Join(names, ";"), fmt.Sprintf("%x", sha256.Sum256(body)))
	return strings.Join(lines, "\n")
}

func referenceEscape(s, keep string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if regexp.MustCompile(`[A-Za-z0-9._~-]`).MatchString(string(rune(c))) && c < 0x80 || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func referenceQuery(query string, presigned bool) string {
	var pairs [][2]string
	for _, piece := range strings.Split(query, "&") {
		if piece == "" {
			continue
		}
		key, value, _ := strings.Cut(piece, "=")
		pairs = append(pairs, [2]string{referenceEscape(referenceUnescape(key), ""), referenceEscape(referenceUnescape(value), "")})
	}
	if presigned {
		for i, p := range pairs {
			if p[0] == "X-Amz-Signature" {
				pairs = append(pairs[:i], pairs[i+1:]...)
				break
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var out []string
	for _, p := range pairs {
		out = append(out, p[0]+"="+p[1])
	}
	return strings.Join(out, "&")
}

func referenceUnescape(s string) string {
	// What is no escape stands for itself.
	s = regexp.MustCompile(`%([^0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]|[0-9A-Fa-f]?$)`).ReplaceAllString(s, "%25$1")
	s = regexp.MustCompile(`%([^0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]|[0-9A-Fa-f]?$)`).ReplaceAllString(s, "%25$1")
	plain, err := url.QueryUnescape(s)
	if err != nil {
		panic(err)
	}
	return plain
}
