package iam

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether s matches the pattern as a whole: * stands for any run of characters, none included, ? for
// exactly one character, everything else for itself. Characters are those of UTF-8, and a byte that is not part of one
// counts as a character. It takes time of at most len(pattern)·len(s), and allocates nothing.
func Match(pattern, s string) bool { return glob(pattern, s, false) }

// glob is Match; with fold, the pattern is in lower case already and the ASCII letters of s compare as if they were.
//
// Only the last star is ever tried again: if what follows it cannot be found further on, a longer run for an earlier star
// only leaves less text to find it in.
func glob(pattern, s string, fold bool) bool {
	p, i := 0, 0
	star, mark := -1, 0 // the last star seen, and where in s its run ends for now
	for {
		if p < len(pattern) {
			switch c := pattern[p]; {
			case c == '*':
				star, mark = p, i
				p++
				continue
			case i == len(s):
			case c == '?':
				p, i = p+1, i+width(s[i:])
				continue
			case c == s[i] || fold && c == lower(s[i]):
				p, i = p+1, i+1
				continue
			}
		} else if i == len(s) {
			return true
		}
		if star < 0 || mark == len(s) {
			return false
		}
		mark += width(s[mark:])
		p, i = star+1, mark
	}
}

// width is the length in bytes of the first character of s, which is not empty.
func width(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// lower folds ASCII and nothing else: a Kelvin sign is not a k in the name of an action.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

func lowerASCII(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + ('a' - 'A')
		}
		return c
	}, s)
}

// hasPrefixFold reports whether s begins with prefix, which is in lower case, without regard to ASCII case.
func hasPrefixFold(s, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if lower(s[i]) != prefix[i] {
			return false
		}
	}
	return true
}

// shape is how a pattern is matched: the cheapest way that is right for it.
type shape uint8

const (
	shapeAny     shape = iota // "*"
	shapeLiteral              // no wildcard
	shapePrefix               // one wildcard, a star at the end
	shapeGlob                 // any other
	shapeTokens               // has a policy variable, or matches an ARN part by part
)

func shapeOf(text string) (shape, string) {
	switch i := strings.IndexAny(text, "*?"); {
	case text == "*":
		return shapeAny, text
	case i < 0:
		return shapeLiteral, text
	case i == len(text)-1 && text[i] == '*':
		return shapePrefix, text[:i]
	default:
		return shapeGlob, text
	}
}

// actionPattern is a value of Action or NotAction. Names of actions have no case ("IAM JSON policy elements: Action").
type actionPattern struct {
	shape shape
	text  string // as written: nearly every request has the same case, and comparing equal strings is one call
	lower string // the same in lower case
}

func newActionPattern(text string) actionPattern {
	sh, text := shapeOf(text)
	return actionPattern{shape: sh, text: text, lower: lowerASCII(text)}
}

func (p *actionPattern) match(action string) bool {
	switch p.shape {
	case shapeAny:
		return true
	case shapeLiteral:
		return action == p.text || len(action) == len(p.lower) && hasPrefixFold(action, p.lower)
	case shapePrefix:
		return strings.HasPrefix(action, p.text) || hasPrefixFold(action, p.lower)
	default:
		return glob(p.lower, action, true)
	}
}
