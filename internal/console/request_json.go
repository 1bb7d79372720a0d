package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// node is a JSON value as it was sent: members in their order, numbers with their digits.
type node struct {
	kind    byte   // '{', '[', '"', '0', 't', 'f' or 'n'
	text    string // of a string, decoded; of a number, its digits
	members []jsonMember
	items   []node
}

type jsonMember struct {
	name  string
	value node
}

// maxNesting is deeper than any input of the operations goes.
const maxNesting = 32

// parseObject reads a body that is one JSON object.
func parseObject(body string) (node, bool) {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	n, err := parseNode(d, 0)
	if err != nil || n.kind != '{' {
		return node{}, false
	}
	_, err = d.Token()
	return n, errors.Is(err, io.EOF)
}

func parseNode(d *json.Decoder, depth int) (n node, err error) {
	t, err := d.Token()
	if err != nil {
		return n, err
	}
	switch t := t.(type) {
	case string:
		return node{kind: '"', text: t}, nil
	case json.Number:
		return node{kind: '0', text: t.String()}, nil
	case bool:
		return node{kind: strconv.FormatBool(t)[0]}, nil
	case json.Delim:
		if depth == maxNesting {
			return n, fmt.Errorf("console: parse JSON: nested deeper than %d", maxNesting)
		}
		n.kind = byte(t)
		for d.More() {
			name := ""
			if t == '{' {
				key, err := d.Token()
				if err != nil {
					return n, err
				}
				name, _ = key.(string)
			}
			v, err := parseNode(d, depth+1)
			if err != nil {
				return n, err
			}
			if t == '{' {
				n.members = append(n.members, jsonMember{name, v})
			} else {
				n.items = append(n.items, v)
			}
		}
		_, err = d.Token() // its end
		return n, err
	}
	return node{kind: 'n'}, nil
}

// member finds a member by its name, the last of that name as parsers have it.
func (n node) member(name string) (v node, ok bool) {
	for _, m := range n.members {
		if m.name == name {
			v, ok = m.value, true
		}
	}
	return v, ok
}

// literals are how a language writes what JSON has.
type literals struct {
	quote            func(string) string
	key              func(string) string // a name with what stands between it and its value
	yes, no, null    string
	number           func(path, digits string) string // of the member at path, "UsageRecords.Timestamp"
	trailing, inline bool                             // a comma after the last; everything on one line
}

// write writes n as a literal. path is the names that lead to it, without positions.
func (l *literals) write(b *strings.Builder, n node, path, indent string) {
	switch n.kind {
	case '"':
		b.WriteString(l.quote(n.text))
	case '0':
		b.WriteString(l.number(path, n.text))
	case 't':
		b.WriteString(l.yes)
	case 'f':
		b.WriteString(l.no)
	case 'n':
		b.WriteString(l.null)
	case '[':
		l.list(b, "[", "]", indent, len(n.items), func(i int, indent string) { l.write(b, n.items[i], path, indent) })
	case '{':
		l.list(b, "{", "}", indent, len(n.members), func(i int, indent string) {
			m := n.members[i]
			b.WriteString(l.key(m.name))
			l.write(b, m.value, strings.TrimPrefix(path+"."+m.name, "."), indent)
		})
	}
}

func (l *literals) list(b *strings.Builder, opening, closing, indent string, n int, item func(i int, indent string)) {
	b.WriteString(opening)
	deeper := indent + "    "
	for i := range n {
		switch {
		case l.inline && i > 0:
			b.WriteString(", ")
		case !l.inline:
			b.WriteString("\n" + deeper)
		}
		item(i, deeper)
		if !l.inline && (i < n-1 || l.trailing) {
			b.WriteByte(',')
		}
	}
	if n > 0 && !l.inline {
		b.WriteString("\n" + indent)
	}
	b.WriteString(closing)
}

// jsonQuote writes a string for JSON, and for JavaScript, whose strings these are, too (ECMAScript 2019). What cannot be seen, or steers what is seen, is escaped.
func jsonQuote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // unreachable: strings encode
	}
	var out strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case unicode.IsPrint(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// jsonText is n as JSON.
func jsonText(n node, inline bool) string {
	l := literals{
		quote: jsonQuote, key: func(name string) string { return jsonQuote(name) + ": " }, yes: "true", no: "false", null: "null",
		number: func(_, digits string) string { return digits }, inline: inline,
	}
	var b strings.Builder
	l.write(&b, n, "", "")
	return b.String()
}
