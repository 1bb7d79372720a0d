package iam

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SyntaxError says why a document is no policy, and where.
type SyntaxError struct {
	// Line and Column count from 1, Column in characters.
	Line, Column int
	// Path names the place by elements, such as `Statement[1].Condition.StringEquals["aws:username"]`. It is "" for the
	// document itself.
	Path string
	// Reason is in lower case and without a full stop. Where the words that AWS answers are known it holds them.
	Reason string
}

func (e *SyntaxError) Error() string {
	at := ""
	if e.Path != "" {
		at = e.Path + ": "
	}
	return fmt.Sprintf("parse policy: line %d, column %d: %s%s", e.Line, e.Column, at, e.Reason)
}

// errorAt places an error at a byte of the document.
func errorAt(doc string, offset int, path, reason string) *SyntaxError {
	before := doc[:min(offset, len(doc))]
	start := strings.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		Line:   strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(before[start:]) + 1,
		Path:   path,
		Reason: reason,
	}
}

// node is a value in the document and knows where it stands.
type node struct {
	kind   nodeKind
	offset int
	text   string  // of a string, decoded; of a number or a boolean, as written
	kids   []*node // members or items

	parent    *node
	index     int    // among the items of an array
	key       string // among the members of an object
	keyOffset int
}

type nodeKind uint8

const (
	objectNode nodeKind = iota
	arrayNode
	stringNode
	numberNode
	boolNode
	nullNode
)

func (k nodeKind) String() string {
	return [...]string{"an object", "a list", "a string", "a number", "a boolean", "null"}[k]
}

// member finds a member of an object, or nil.
func (n *node) member(key string) *node {
	for _, kid := range n.kids {
		if kid.key == key {
			return kid
		}
	}
	return nil
}

// items gives the items of an array; anything else stands for a list of itself, as the grammar has it: "If the element
// takes an array but only one value is included, the brackets are optional".
func (n *node) items() []*node {
	if n.kind == arrayNode {
		return n.kids
	}
	return []*node{n}
}

func (n *node) path() string {
	switch {
	case n == nil || n.parent == nil:
		return ""
	case n.parent.kind == arrayNode:
		return n.parent.path() + "[" + strconv.Itoa(n.index) + "]"
	case !plain(n.key):
		return n.parent.path() + "[" + strconv.Quote(n.key) + "]"
	case n.parent.parent == nil:
		return n.key
	default:
		return n.parent.path() + "." + n.key
	}
}

// plain reports whether a key can stand in a path without quotes.
func plain(key string) bool {
	for i := range len(key) {
		if c := lower(key[i]); (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return key != ""
}
