package sigv4

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
)

// headerList is a SignedHeaders list, read once.
type headerList struct {
	sent   string   // as the caller wrote it
	joined string   // as the canonical request has it: lower-case and sorted
	names  []string // joined, split
	keys   []string // the same names as http.Header spells them
	valid  bool     // all names can be names, none stands twice, and they are not too many
	host   bool     // host is signed
	date   bool     // Date is signed
	amz    bool     // X-Amz-Date is signed
}

// newHeaderList reads a list. What is wrong with it is for the caller to say, in its turn.
func newHeaderList(sent string) *headerList {
	l := &headerList{sent: sent, valid: true}
	rest := strings.ToLower(sent) // AWS does not mind the case
	for more := rest != ""; more; {
		var name string
		name, rest, more = cut(rest, ';')
		switch name {
		case "host", ":authority":
			l.host = true
		case "date":
			l.date = true
		case "x-amz-date":
			l.amz = true
		}
		if len(l.names) == maxSignedHeaders || !isToken(strings.TrimPrefix(name, ":")) {
			l.valid = false
			continue
		}
		l.names = append(l.names, name)
	}
	slices.Sort(l.names)
	l.keys = make([]string, len(l.names))
	for i, name := range l.names {
		if i > 0 && name == l.names[i-1] {
			l.valid = false
		}
		l.keys[i] = headerKey(name)
	}
	l.joined = strings.Join(l.names, ";")
	return l
}

// headerKey spells a lower-case header name the way http.Header does, which leaves alone what is no name in HTTP/1.
func headerKey(name string) string {
	if strings.HasPrefix(name, ":") {
		return name
	}
	key := []byte(name)
	for i, c := range key {
		if c-'a' < 26 && (i == 0 || key[i-1] == '-') {
			key[i] -= 'a' - 'A'
		}
	}
	return string(key)
}

// isToken reports whether name, lower-case, can be the name of a header.
func isToken(name string) bool {
	for i := range len(name) {
		if c := name[i]; c-'a' >= 26 && c-'0' >= 10 && strings.IndexByte("-_.!#$%&'*+^`|~", c) < 0 {
			return false
		}
	}
	return name != ""
}

// headerCache keeps the lists of the last requests that verified, one to a place. An SDK signs the same headers again and again, and all
// SDKs together have a dozen lists.
type headerCache struct {
	seed  maphash.Seed
	lists [256]atomic.Pointer[headerList]
}

func (c *headerCache) place(sent string) *atomic.Pointer[headerList] {
	return &c.lists[maphash.String(c.seed, sent)%uint64(len(c.lists))]
}

// find returns the list as sent, and whether it is one that the cache keeps.
func (c *headerCache) find(sent string) (l *headerList, kept bool) {
	if l := c.place(sent).Load(); l != nil && l.sent == sent {
		return l, true
	}
	return newHeaderList(sent), false
}

// add keeps a list of a request that verified. sent is part of a whole Authorization header, which it does not keep.
func (c *headerCache) add(sent string) {
	c.place(sent).Store(newHeaderList(strings.Clone(sent)))
}
