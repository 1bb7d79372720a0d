package sigv4

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Key is a credential to sign with. SessionToken is "" for a long-lived one.
type Key struct {
	AccessKeyID  string
	Secret       string
	SessionToken string
}

// Sign signs r, whose payload is body, in the Authorization header: it sets X-Amz-Date, X-Amz-Security-Token where the key has one, and
// Authorization, and replaces what is there of them. It signs host, content-length where r.ContentLength is positive, and every
// header of r that arrives as it was sent; keys must be canonical, as http.Header.Set makes them. Headers set later are not signed.
//
// A default port goes from r.Host, and the query string is brought to canonical form, so that what is signed is what is sent.
func Sign(r *http.Request, body []byte, key Key, region, service string, now time.Time) {
	prepare(r)
	date := compact(now)
	scope := date[:dateLength] + "/" + region + "/" + service + "/" + terminator
	r.Header.Set("X-Amz-Date", date)
	r.Header.Del("X-Amz-Security-Token")
	if key.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", key.SessionToken)
	}
	l := headersToSign(r)
	s := newScratch()
	s.params = sortParams(appendParams(nil, r.URL.RawQuery), false)
	r.URL.RawQuery = string(appendQuery(nil, s.params, false))
	credential := key.AccessKeyID + "/" + scope
	r.Header.Set("Authorization", algorithm+" Credential="+credential+", SignedHeaders="+l.joined+
		", Signature="+s.signature(r, l, body, credential, key.Secret, date, scope))
}

// Presign signs r, whose payload is body, in its query string. The request is good until now plus expires, which is cut to whole seconds
// and must be from 1 s to 7 days; with 0 no expiry is stated and the verifier's skew holds. The headers that r has are signed, and must be
// sent with it; r.URL is then all there is to the signature.
func Presign(r *http.Request, body []byte, key Key, region, service string, expires time.Duration, now time.Time) {
	prepare(r)
	date := compact(now)
	scope := date[:dateLength] + "/" + region + "/" + service + "/" + terminator
	credential := key.AccessKeyID + "/" + scope
	r.Header.Del("X-Amz-Date")
	r.Header.Del("X-Amz-Security-Token")
	r.Header.Del("Authorization")
	l, s := headersToSign(r), newScratch()
	set := []param{
		{"X-Amz-Algorithm", algorithm},
		{"X-Amz-Credential", credential},
		{"X-Amz-Date", date},
		{"X-Amz-SignedHeaders", l.joined},
	}
	if expires != 0 {
		set = append(set, param{"X-Amz-Expires", strconv.FormatInt(int64(expires/time.Second), 10)})
	}
	if key.SessionToken != "" {
		set = append(set, param{"X-Amz-Security-Token", key.SessionToken})
	}
	s.params = slices.DeleteFunc(appendParams(nil, r.URL.RawQuery), func(p param) bool {
		return p.key == "X-Amz-Expires" || p.key == "X-Amz-Security-Token" || p.key == "X-Amz-Signature" ||
			slices.ContainsFunc(set, func(mine param) bool { return mine.key == p.key })
	})
	for _, p := range set {
		s.params = append(s.params, param{p.key, string(appendEscaped(nil, p.value, false))})
	}
	s.params = sortParams(s.params, true)
	r.URL.RawQuery = string(appendQuery(nil, s.params, false))
	r.URL.RawQuery += "&X-Amz-Signature=" + s.signature(r, l, body, credential, key.Secret, date, scope)
}

func (s *scratch) signature(r *http.Request, l *headerList, body []byte, credential, secret, date, scope string) string {
	payload := hexOf(sha256.Sum256(body))
	s.canonicalRequest(r, rawPath(r), l, len(body), &payload, false)
	signature := s.sign(newSigningKey(credential, secret), date, scope)
	return string(signature[:])
}

// prepare makes r say what will be on the wire.
func prepare(r *http.Request) {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	switch r.URL.Scheme { // RFC 9110 lets a client leave the default port out, and every SDK does
	case "http":
		r.Host = strings.TrimSuffix(r.Host, ":80")
	case "https":
		r.Host = strings.TrimSuffix(r.Host, ":443")
	}
	r.Header.Del("Content-Length") // net/http's client sends ContentLength instead
}

// headersToSign names the headers to sign: host, and all but those that net/http's client or a proxy on the way may set or change.
func headersToSign(r *http.Request) *headerList {
	names := make([]string, 0, len(r.Header)+2)
	names = append(names, "host")
	if r.ContentLength > 0 {
		names = append(names, "content-length")
	}
	for key := range r.Header {
		switch key {
		case "Authorization", "Connection", "Expect", "Host", "Trailer", "Transfer-Encoding", "User-Agent", "X-Amzn-Trace-Id":
		default:
			names = append(names, strings.ToLower(key))
		}
	}
	return newHeaderList(strings.Join(names, ";"))
}
