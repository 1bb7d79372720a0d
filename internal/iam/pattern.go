package iam

import (
	"errors"
	"fmt"
	"strings"
)

// result of matching one text against one pattern.
type result uint8

const (
	unmatched result = iota
	matched
	unresolved // the pattern has a variable that the request has no value for
)

func resultOf(ok bool) result {
	if ok {
		return matched
	}
	return unmatched
}

// pattern is a compiled text of a policy: a resource, or a value of a string or ARN condition.
type pattern struct {
	shape  shape
	text   string  // for the shapes without tokens; for shapePrefix, without its star
	tokens []token // for shapeTokens
	arn    bool    // a wildcard does not cross the colons between the six parts of an ARN
}

// token is a piece of a pattern that cannot be matched as plain text.
type token struct {
	kind tokenKind
	text string // of a literal; of a variable, its key in lower case
	def  string // default of a variable
	has  bool   // it has one
}

type tokenKind uint8

const (
	literal  tokenKind = iota
	star               // *
	one                // ?
	variable           // ${key} or ${key, 'default'}
)

// dialect is what may stand in a text, which depends on the element and on the Version of the document.
type dialect struct {
	wildcards bool
	variables bool
	arn       bool
}

func newPattern(text string, d dialect) (pattern, error) {
	switch {
	case d.arn && text == "*":
		return pattern{shape: shapeAny, text: text}, nil
	case d.variables && strings.Contains(text, "${"), d.arn:
		toks, err := tokenize(text, d)
		return pattern{shape: shapeTokens, tokens: toks, arn: d.arn}, err
	case d.wildcards:
		sh, text := shapeOf(text)
		return pattern{shape: sh, text: text}, nil
	default:
		return pattern{shape: shapeLiteral, text: text}, nil
	}
}

func (p *pattern) match(s string, r *Request) result {
	switch p.shape {
	case shapeAny:
		return matched
	case shapeLiteral:
		return resultOf(s == p.text)
	case shapePrefix:
		return resultOf(strings.HasPrefix(s, p.text))
	case shapeGlob:
		return resultOf(Match(p.text, s))
	}
	var buf [8]token
	toks, ok := resolve(buf[:0], p.tokens, r)
	if !ok {
		return unresolved
	}
	return resultOf(matchTokens(toks, s, p.arn))
}

// equalFold compares the whole text without regard to case. The guide says "ignoring case" and no more; this is Unicode's
// simple folding, as in Java's equalsIgnoreCase. The pattern has no wildcards.
func (p *pattern) equalFold(s string, r *Request) result {
	if p.shape == shapeLiteral {
		return resultOf(strings.EqualFold(s, p.text))
	}
	var buf [8]token
	toks, ok := resolve(buf[:0], p.tokens, r)
	if !ok {
		return unresolved
	}
	var whole strings.Builder
	for i := range toks {
		whole.WriteString(toks[i].text)
	}
	return resultOf(strings.EqualFold(s, whole.String()))
}

// resolve appends toks to dst with every variable replaced by its value, as a literal: a star that comes out of a request
// is a star and never a wildcard. A key with several values cannot be a variable ("Single-valued vs. multivalued context
// keys"), so it counts as one without a value. It reports false if a variable has neither value nor default.
func resolve(dst, toks []token, r *Request) ([]token, bool) {
	for _, t := range toks {
		if t.kind == variable {
			vals, ok := r.lookup(t.text)
			switch {
			case ok && len(vals) == 1:
				t = token{text: vals[0]}
			case t.has:
				t = token{text: t.def}
			default:
				return nil, false
			}
		}
		dst = append(dst, t)
	}
	return dst, true
}

// matchTokens is glob over tokens, with variables resolved. With arn, a wildcard does not match any of the first five
// colons of s, so the parts of the pattern meet the parts of the ARN one by one.
func matchTokens(toks []token, s string, arn bool) bool {
	fifth := -1 // every colon up to here parts the ARN
	if arn {
		fifth = fifthColon(s)
	}
	crosses := func(i int) bool { return i <= fifth && s[i] == ':' }
	t, i := 0, 0
	last, mark := -1, 0
	for {
		if t < len(toks) {
			switch tok := &toks[t]; {
			case tok.kind == star:
				last, mark = t, i
				t++
				continue
			case tok.kind == literal:
				if strings.HasPrefix(s[i:], tok.text) {
					t, i = t+1, i+len(tok.text)
					continue
				}
			case i < len(s) && !crosses(i):
				t, i = t+1, i+width(s[i:])
				continue
			}
		} else if i == len(s) {
			return true
		}
		if last < 0 || mark == len(s) || crosses(mark) {
			return false
		}
		mark += width(s[mark:])
		t, i = last+1, mark
	}
}

// fifthColon is the place of the fifth colon in s, or of the last if it has fewer, or -1.
func fifthColon(s string) int {
	at := -1
	for range 5 {
		next := strings.IndexByte(s[at+1:], ':')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return at
}

// tokenize cuts a text into literals, wildcards and variables, as far as the dialect has them.
func tokenize(text string, d dialect) ([]token, error) {
	var toks []token
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			toks = append(toks, token{text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(text); {
		switch {
		case d.wildcards && text[i] == '*':
			flush()
			toks = append(toks, token{kind: star})
			i++
		case d.wildcards && text[i] == '?':
			flush()
			toks = append(toks, token{kind: one})
			i++
		case d.variables && strings.HasPrefix(text[i:], "${"):
			t, n, err := readVariable(text[i:])
			if err != nil {
				return nil, err
			}
			i += n
			if t.kind == literal {
				lit.WriteString(t.text)
				break
			}
			flush()
			toks = append(toks, t)
		default:
			lit.WriteByte(text[i])
			i++
		}
	}
	flush()
	return toks, nil
}

// readVariable reads the variable at the start of s and tells how long it is. ${*}, ${?} and ${$} are the characters
// themselves.
func readVariable(s string) (token, int, error) {
	end := strings.IndexAny(s, "},")
	if end < 0 {
		return token{}, 0, errors.New("a policy variable lacks its closing brace")
	}
	name := s[len("${"):end]
	switch name {
	case "*", "?", "$":
		if s[end] == '}' {
			return token{text: name}, end + 1, nil
		}
	case "":
		return token{}, 0, errors.New("a policy variable has no name")
	}
	if strings.ContainsAny(name, " '*?${") {
		return token{}, 0, fmt.Errorf("%q is not the name of a policy variable", name)
	}
	t := token{kind: variable, text: lowerASCII(name)}
	if s[end] == '}' {
		return t, end + 1, nil
	}
	rest := strings.TrimLeft(s[end+1:], " ")
	quoted, after, ok := strings.Cut(strings.TrimPrefix(rest, "'"), "'")
	if after = strings.TrimLeft(after, " "); !ok || !strings.HasPrefix(rest, "'") || !strings.HasPrefix(after, "}") {
		return token{}, 0, fmt.Errorf("the default of policy variable %q must stand in single quotes, as in ${%s, 'default'}", name, name)
	}
	t.def, t.has = quoted, true
	return t, len(s) - len(after) + 1, nil
}
