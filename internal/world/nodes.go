package world

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/souk-market/souk/internal/market"
)

// section is one of the lists that a file is made of.
type section struct {
	name  string
	items []*yaml.Node
}

// node is the section as a mapping of one member; nil if there is nothing in it.
func (s section) node() (*yaml.Node, error) {
	if len(s.items) == 0 {
		return nil, nil
	}
	n := object().list(s.name, s.items).node()
	if reason := unwritable(n); reason != "" {
		return nil, fmt.Errorf("world: marshal %s: %s", s.name, reason)
	}
	return n, nil
}

// writeYAML writes sections with an empty line between them.
func writeYAML(head string, sections []section) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(head)
	out.WriteString("version: 1\n")
	for _, s := range sections {
		n, err := s.node()
		if err != nil {
			return nil, err
		}
		if n == nil {
			continue
		}
		out.WriteByte('\n')
		e := yaml.NewEncoder(&out)
		e.SetIndent(2)
		if err := errors.Join(e.Encode(n), e.Close()); err != nil {
			return nil, fmt.Errorf("world: marshal %s: %w", s.name, err)
		}
	}
	return out.Bytes(), nil
}

// writeJSON writes the same in one line of JSON.
func writeJSON(sections []section) ([]byte, error) {
	file := object().put("version", plainNode("!!int", "1"))
	for _, s := range sections {
		n, err := s.node()
		if err != nil {
			return nil, err
		}
		if n != nil {
			file.Content = append(file.Content, n.Content...)
		}
	}
	r := &reader{file: &File{}}
	out := r.appendJSON(nil, nil, file.node())
	if len(r.problems) > 0 {
		return nil, fmt.Errorf("world: marshal: %s", r.problems[0])
	}
	return append(out, '\n'), nil
}

// unwritable is why something under n cannot stand in a file; "" if all can.
func unwritable(n *yaml.Node) string {
	if !utf8.ValidString(n.Value) {
		return fmt.Sprintf("text %q is not UTF-8", n.Value)
	}
	if n.Tag == timestamp && instant(n.Value) != "" {
		return fmt.Sprintf("instant %s is not in the years %d to %d", n.Value, firstYear, lastYear)
	}
	for _, c := range n.Content {
		if reason := unwritable(c); reason != "" {
			return reason
		}
	}
	return ""
}

// objectNode builds a mapping, member by member.
type objectNode yaml.Node

func object() *objectNode { return &objectNode{Kind: yaml.MappingNode, Tag: "!!map"} }

func (o *objectNode) node() *yaml.Node { return (*yaml.Node)(o) }

func (o *objectNode) put(key string, value *yaml.Node) *objectNode {
	o.Content = append(o.Content, textNode(key), value)
	return o
}

func (o *objectNode) text(key, value string) *objectNode { return o.put(key, textNode(value)) }

func (o *objectNode) textIf(key, value string) *objectNode {
	if value == "" {
		return o
	}
	return o.text(key, value)
}

func (o *objectNode) flagIf(key string, value bool) *objectNode {
	if !value {
		return o
	}
	return o.put(key, plainNode("!!bool", "true"))
}

// timestamp is the tag of instants.
const timestamp = "!!timestamp"

func (o *objectNode) instantIf(key string, t time.Time) *objectNode {
	if t.IsZero() {
		return o
	}
	return o.put(key, plainNode(timestamp, t.UTC().Format(time.RFC3339Nano)))
}

func (o *objectNode) numberIf(key string, n int) *objectNode {
	if n == 0 {
		return o
	}
	return o.put(key, plainNode("!!int", strconv.Itoa(n)))
}

func (o *objectNode) entitlementsIf(list []market.Entitlement) *objectNode {
	if len(list) == 0 {
		return o
	}
	values := object()
	for _, e := range list {
		values.put(e.Dimension, valueNode(e.Value))
	}
	return o.put("entitlements", values.node())
}

// valueNode writes a value so that its type can be told without its dimension: a double has a point or an exponent, and text that looks like
// anything else has quotes, which the encoder sees to.
func valueNode(v market.Value) *yaml.Node {
	switch v.Type {
	case market.Text:
		return textNode(v.Text)
	case market.Boolean:
		return plainNode("!!bool", strconv.FormatBool(v.Boolean))
	case market.Double:
		s := strconv.FormatFloat(v.Double, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return plainNode("!!float", s)
	}
	return plainNode("!!int", strconv.FormatInt(v.Integer, 10))
}

func (o *objectNode) list(key string, items []*yaml.Node) *objectNode {
	if len(items) == 0 {
		return o
	}
	return o.put(key, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items})
}

func listOf[T any](list []T, node func(T) *yaml.Node) []*yaml.Node {
	out := make([]*yaml.Node, len(list))
	for i, v := range list {
		out[i] = node(v)
	}
	return out
}

func plainNode(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// textNode writes text so that it is read back as it is: plain where nothing about it is special (the encoder finds out for types and
// punctuation), as a block of lines where that is safe, else in double quotes.
func textNode(s string) *yaml.Node {
	n := plainNode("!!str", s)
	switch {
	case isBlock(s):
		n.Style = yaml.LiteralStyle
	case !isLine(s):
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// isLine reports whether s is one line of visible characters with spaces at most between them.
func isLine(s string) bool {
	for _, r := range s {
		if r != ' ' && (!unicode.IsGraphic(r) || unicode.IsSpace(r)) {
			return false
		}
	}
	return s != "" && s[0] != ' ' && s[len(s)-1] != ' '
}

// isBlock reports whether s is such lines, indented or not, with empty ones at most between them and at most one line break at the end.
func isBlock(s string) bool {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i, line := range lines {
		if i > 0 && i < len(lines)-1 && line == "" {
			continue
		}
		if !isLine(strings.TrimLeft(line, " ")) {
			return false
		}
	}
	return strings.Contains(s, "\n")
}

// documentNode writes a policy document as a mapping if that is read back as the same bytes, else as the text that it is.
func documentNode(doc string) *yaml.Node {
	var d yaml.Node
	if err := yaml.Unmarshal([]byte(doc), &d); err != nil || d.Kind != yaml.DocumentNode || d.Content[0].Kind != yaml.MappingNode {
		return textNode(doc)
	}
	n := d.Content[0]
	restyle(n)
	r := &reader{file: &File{}}
	if again := r.appendJSON(nil, nil, n); len(r.problems) > 0 || string(again) != doc {
		return textNode(doc)
	}
	return n
}

// restyle makes nodes that were read from JSON look like YAML.
func restyle(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		*n = *textNode(n.Value)
	} else {
		n.Style = 0
	}
	for _, c := range n.Content {
		restyle(c)
	}
}
