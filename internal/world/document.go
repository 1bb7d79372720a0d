package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/souk-market/souk/internal/iam"
	"github.com/souk-market/souk/internal/market"
)

// document reads a policy document: a string that holds JSON is kept as it is, a mapping becomes JSON with its members in their order.
func (m *mapping) document(key string) string {
	v, ok := m.get(key)
	if !ok {
		return m.must(key) // which says that it is missing
	}
	r := m.r
	n := r.enter(v.at, v.n)
	defer r.leave(n)
	switch {
	case n == nil:
		return ""
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str":
		r.checkPolicy(v.at, n, n.Value)
		return n.Value
	case n.Kind != yaml.MappingNode:
		r.problem(v.at, "must be a policy document, as a mapping or as text that holds JSON, not %s", kindOf(n))
		return ""
	}
	before := len(r.problems)
	doc := r.appendMembers(nil, v.at, n)
	if len(r.problems) > before || r.stopped {
		return ""
	}
	r.checkPolicy(v.at, n, string(doc))
	return string(doc)
}

// checkPolicy lets iam judge a document, and finds what it found in the file.
func (r *reader) checkPolicy(at *place, n *yaml.Node, doc string) {
	_, err := iam.Parse([]byte(doc))
	if err == nil {
		return
	}
	p := market.Problem{Path: at.String(), Line: at.lineNumber(), Reason: err.Error()}
	var syntax *iam.SyntaxError
	if errors.As(err, &syntax) {
		p.Reason = syntax.Reason
		if syntax.Path != "" && syntax.Path[0] != '[' {
			p.Path += "."
		}
		p.Path += syntax.Path
		switch {
		case at.aliased:
		case n.Kind == yaml.MappingNode:
			p.Line = max(p.Line, lineOf(r.file.root, p.Path))
		case n.Style&yaml.LiteralStyle != 0: // its text begins below the "|"
			p.Line = n.Line + syntax.Line
		}
	}
	r.found(p)
}

// appendJSON appends what stands at n as JSON, without spaces. Scalars are taken as they stand: what JSON has as a number
// stays one, what only YAML would (0x1F, 012, a date) becomes a string.
func (r *reader) appendJSON(b []byte, at *place, n *yaml.Node) []byte {
	n = r.enter(at, n)
	defer r.leave(n)
	switch {
	case n == nil:
		return b
	case n.Kind == yaml.MappingNode && plainTag(n):
		return r.appendMembers(b, at, n)
	case n.Kind == yaml.SequenceNode && plainTag(n):
		b = append(b, '[')
		for i, item := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			b = r.appendJSON(b, at.element(i, item), item)
		}
		return append(b, ']')
	case n.Kind != yaml.ScalarNode:
		r.problem(at, "must be plain, not %s", kindOf(n))
		return b
	}
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return append(b, "null"...)
	case "!!bool":
		if v, err := strconv.ParseBool(strings.ToLower(n.Value)); err == nil {
			return strconv.AppendBool(b, v)
		}
		return appendString(b, n.Value) // tagged so, and none
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return append(b, n.Value...)
		}
		return appendString(b, n.Value)
	case "!!str", "!!timestamp", "!!merge":
		return appendString(b, n.Value)
	}
	r.problem(at, "has the tag %s, which means nothing here", n.Tag)
	return b
}

// appendMembers appends a mapping that has been entered.
func (r *reader) appendMembers(b []byte, at *place, n *yaml.Node) []byte {
	b = append(b, '{')
	first := true
	r.eachMember(at, n, func(key string, at *place, value *yaml.Node) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendString(b, key), ':')
		b = r.appendJSON(b, at, value)
	})
	return append(b, '}')
}

// appendString appends s as a JSON string, with nothing escaped for HTML's sake.
func appendString(b []byte, s string) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return b // unreachable: a string always encodes
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
