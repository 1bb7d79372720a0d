package iam

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxBytes is the greatest length of the PolicyDocument parameter ("CreatePolicy", IAM API Reference).
	maxBytes = 131072
	// maxCharacters bounds what is not white space. The largest quota that IAM has for identity policies is that of a
	// role's inline policies together ("IAM and AWS STS quotas": managed 6,144, user 2,048, group 5,120, role 10,240). A
	// document does not tell which it will be, so what no kind allows is refused, and nothing else.
	maxCharacters = 10240
	// maxDepth is more than a policy can need: document, statements, statement, condition, operator, values are six.
	maxDepth = 16
)

// reader reads JSON as RFC 8259 has it, and refuses what leaves room for two readings: duplicate names, escapes of half a
// surrogate pair. encoding/json would take both in silence, and tells no positions of values.
type reader struct {
	doc string
	pos int
}

// readDocument reads the whole document.
func readDocument(doc string) (*node, *SyntaxError) {
	if err := checkText(doc); err != nil {
		return nil, err
	}
	r := &reader{doc: doc}
	if r.space(); r.pos == len(doc) {
		return nil, r.fail(nil, "the document is empty")
	}
	root, err := r.value(nil, 1)
	if err != nil {
		return nil, err
	}
	if r.space(); r.pos < len(doc) {
		return nil, r.fail(nil, "something follows the end of the policy")
	}
	return root, nil
}

// checkText holds the document to size and to the characters that IAM takes: tab, line feed, carriage return, and U+0020
// to U+00FF (pattern of PolicyDocument in "CreatePolicy"). Others can be written as \u escapes.
func checkText(doc string) *SyntaxError {
	if len(doc) > maxBytes {
		return errorAt(doc, 0, "", fmt.Sprintf("the document has %d bytes, more than %d", len(doc), maxBytes))
	}
	count := 0
	for i := 0; i < len(doc); {
		c, n := utf8.DecodeRuneInString(doc[i:])
		switch {
		case c == utf8.RuneError && n == 1:
			return errorAt(doc, i, "", "the document is not valid UTF-8")
		case isSpace(byte(c)) && n == 1:
		case c < ' ', c > 0xFF:
			return errorAt(doc, i, "", fmt.Sprintf("the character %U cannot stand in a policy document", c))
		case count == maxCharacters:
			return errorAt(doc, i, "", fmt.Sprintf("the document has more than %d characters that are not white space", maxCharacters))
		default:
			count++
		}
		i += n
	}
	return nil
}

func (r *reader) fail(at *node, reason string) *SyntaxError {
	return errorAt(r.doc, r.pos, at.path(), reason)
}

func (r *reader) space() {
	for r.pos < len(r.doc) && isSpace(r.doc[r.pos]) {
		r.pos++
	}
}

// isSpace knows the white space of JSON.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// next is the byte at hand, or 0 at the end.
func (r *reader) next() byte {
	if r.pos < len(r.doc) {
		return r.doc[r.pos]
	}
	return 0
}

func (r *reader) take(c byte) bool {
	if r.next() != c {
		return false
	}
	r.pos++
	return true
}

// value reads a value into n, or into a new node; what n says of its place is there already.
func (r *reader) value(n *node, depth int) (*node, *SyntaxError) {
	if n == nil {
		n = &node{}
	}
	if depth > maxDepth {
		return nil, r.fail(n, "nested too deeply")
	}
	n.offset = r.pos
	switch c := r.next(); {
	case c == '{':
		return n, r.object(n, depth)
	case c == '[':
		return n, r.array(n, depth)
	case c == '"':
		n.kind = stringNode
		var err *SyntaxError
		n.text, err = r.string(n)
		return n, err
	case c == '-' || '0' <= c && c <= '9':
		return n, r.number(n)
	}
	for _, w := range [...]struct {
		word string
		kind nodeKind
	}{{"true", boolNode}, {"false", boolNode}, {"null", nullNode}} {
		if strings.HasPrefix(r.doc[r.pos:], w.word) {
			r.pos += len(w.word)
			n.kind, n.text = w.kind, w.word
			return n, nil
		}
	}
	return nil, r.unexpected(n, "a value")
}

func (r *reader) unexpected(at *node, want string) *SyntaxError {
	if r.pos == len(r.doc) {
		return r.fail(at, "the document ends where "+want+" should stand")
	}
	c, _ := utf8.DecodeRuneInString(r.doc[r.pos:])
	return r.fail(at, fmt.Sprintf("%q stands where %s should", c, want))
}

func (r *reader) object(n *node, depth int) *SyntaxError {
	n.kind = objectNode
	seen := make(map[string]bool)
	r.pos++
	if r.space(); r.take('}') {
		return nil
	}
	for {
		kid := &node{parent: n, keyOffset: r.pos}
		if r.next() != '"' {
			return r.unexpected(n, "a name in quotes")
		}
		var err *SyntaxError
		if kid.key, err = r.string(n); err != nil {
			return err
		}
		if seen[kid.key] {
			return errorAt(r.doc, kid.keyOffset, kid.path(), "stands twice in the same object")
		}
		seen[kid.key] = true
		if r.space(); !r.take(':') {
			return r.unexpected(kid, "a colon")
		}
		r.space()
		if _, err := r.value(kid, depth+1); err != nil {
			return err
		}
		n.kids = append(n.kids, kid)
		r.space()
		if r.take('}') {
			return nil
		}
		if !r.take(',') {
			return r.unexpected(n, "a comma or a closing brace")
		}
		r.space()
	}
}

func (r *reader) array(n *node, depth int) *SyntaxError {
	n.kind = arrayNode
	r.pos++
	if r.space(); r.take(']') {
		return nil
	}
	for {
		kid := &node{parent: n, index: len(n.kids)}
		if _, err := r.value(kid, depth+1); err != nil {
			return err
		}
		n.kids = append(n.kids, kid)
		r.space()
		if r.take(']') {
			return nil
		}
		if !r.take(',') {
			return r.unexpected(n, "a comma or a closing bracket")
		}
		r.space()
	}
}

func (r *reader) number(n *node) *SyntaxError {
	n.kind = numberNode
	digits := func() bool {
		count := countDigits(r.doc[r.pos:])
		r.pos += count
		return count > 0
	}
	r.take('-')
	ok := true
	if !r.take('0') {
		ok = digits()
	}
	if ok && r.take('.') {
		ok = digits()
	}
	if ok && (r.take('e') || r.take('E')) {
		if !r.take('+') {
			r.take('-')
		}
		ok = digits()
	}
	if !ok {
		return r.unexpected(n, "a digit")
	}
	n.text = r.doc[n.offset:r.pos]
	return nil
}

// string reads a string; at is the node that an error is about.
func (r *reader) string(at *node) (string, *SyntaxError) {
	r.pos++
	var b strings.Builder
	for {
		run := strings.IndexAny(r.doc[r.pos:], "\"\\\t\r\n")
		if run < 0 {
			r.pos = len(r.doc)
			return "", r.unexpected(at, "a closing quote")
		}
		b.WriteString(r.doc[r.pos : r.pos+run])
		r.pos += run
		switch r.next() {
		case '"':
			r.pos++
			return b.String(), nil
		case '\\':
			c, n, ok := unescape(r.doc[r.pos:])
			if !ok {
				return "", r.fail(at, "this escape is not one of JSON, or is half a surrogate pair")
			}
			b.WriteRune(c)
			r.pos += n
		default:
			return "", r.fail(at, "a line break or a tab must be escaped in a string")
		}
	}
}

// unescape reads the escape that s begins with, and tells its length.
func unescape(s string) (c rune, n int, ok bool) {
	if len(s) < 2 {
		return 0, 0, false
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2, true
	}
	c, ok = hex4(s)
	if !ok || !utf16.IsSurrogate(c) {
		return c, 6, ok
	}
	low, ok := hex4(s[6:])
	c = utf16.DecodeRune(c, low)
	return c, 12, ok && c != utf8.RuneError
}

// hex4 reads \uXXXX.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(v), err == nil
}
