package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/reqlog"
)

// emptyHash is the SHA-256 of nothing: what a client signs that hashes the body before it has one.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// signingHints are the usual causes of a mismatch that this request gives reason to think of, likely ones first.
func signingHints(v reqlog.View, d *signatureDiff) (hints []string) {
	hint := func(when bool, text string) {
		if when {
			hints = append(hints, text)
		}
	}
	lines := strings.Split(v.Canonical, "\n")
	signed := strings.Split(scopeOf(v).SignedHeaders, ";")
	via := firstOf(v, "Via", "X-Forwarded-For", "Forwarded", "X-Forwarded-Proto")
	hint(d.Pasted && d.Equal, "Both canonical requests are the same, so the secret is another one, or the scope is: compare the strings to sign.")
	hint(!d.Pasted && d.Equal, "Nothing in the request speaks of a change on the way. Most likely the secret is not that of access key "+plain(v.AccessKeyID)+
		": look for one of another key or account, for a blank or line break that was copied along, and for a character that a shell or file swallowed.")
	hint(d.Pasted && differs(d, emptyHash), "The client signed an empty body (the hash e3b0c442… is that of nothing). Hash the body that is sent.")
	hint(via != "", "The request came through a proxy. What it changes of Host, path, query, signed headers or body breaks the signature.")
	if n, err := strconv.Atoi(firstOf(v, "Content-Length")); err == nil && n != v.BodySize {
		hint(true, fmt.Sprintf("Content-Length says %d bytes, and %d arrived: the body is not the one that was signed.", n, v.BodySize))
	}
	for _, name := range []string{"accept-encoding", "connection", "user-agent", "x-amzn-trace-id", "x-forwarded-for"} {
		hint(slices.Contains(signed, name), "The header "+name+" is signed, which proxies and HTTP libraries change. Leave it out of SignedHeaders.")
	}
	hint(!slices.IsSorted(signed), "SignedHeaders are not in alphabetical order. Names have to be in lower case and sorted, in the list and above it.")
	if len(lines) > 2 {
		hint(strings.Contains(lines[1], "%25"), "The path has percent signs in it, which are encoded a second time for the canonical request. Encode each part once for the address, and once more for the signature.")
		hint(lines[2] != "" && !d.Pasted, "The query string is signed, too: names and values percent-encoded (a blank as %20, never as +), and sorted.")
	}
	hint(firstOf(v, "X-Amz-Content-Sha256") == "" && !d.Pasted, "The client did not send the hash of the body that it signed (X-Amz-Content-Sha256), so Souk cannot tell whether the body changed. A body that was encoded twice, "+
		"with other blanks or another order of members, is another body.")
	hint(!d.Pasted, "Print the canonical request that your client makes (most SDKs log it at debug level), and compare it below.")
	return hints
}

// differs reports whether the client's side has a text in a line that differs.
func differs(d *signatureDiff, text string) bool {
	return slices.ContainsFunc(d.Canonical, func(r diffRow) bool { return r.Differs && strings.Contains(r.Client, text) })
}

// scope is what the request says of its own signature.
type scope struct {
	AccessKeyID   string
	Day           string
	Region        string
	Service       string
	Date          string // X-Amz-Date
	Scope         string // day/region/service/aws4_request
	SignedHeaders string
	Presigned     bool // in the query string
	Found         bool
}

// scopeOf reads the Authorization header, or the query string. Nothing of it is proved.
func scopeOf(v reqlog.View) (s scope) {
	credential := ""
	if _, rest, ok := strings.Cut(firstOf(v, "Authorization"), " "); ok {
		for pair := range strings.SplitSeq(rest, ",") {
			switch name, value, _ := strings.Cut(strings.TrimSpace(pair), "="); name {
			case "Credential":
				credential = value
			case "SignedHeaders":
				s.SignedHeaders = value
			}
		}
		s.Date = firstOf(v, "X-Amz-Date")
	} else if q := queryOf(v.Target); q.Has("X-Amz-Credential") {
		s.Presigned = true
		credential, s.SignedHeaders, s.Date = q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Date")
	}
	id, rest, ok := strings.Cut(credential, "/")
	s.AccessKeyID, s.Found = id, id != ""
	if parts := strings.Split(rest, "/"); ok && len(parts) == 4 {
		s.Scope, s.Day, s.Region, s.Service = rest, parts[0], parts[1], parts[2]
	}
	return s
}
