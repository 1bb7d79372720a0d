package world

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/souk-market/souk/internal/market"
)

// maxAliased bounds what is read through aliases, in nodes and bytes of text, each time that it is. A file without aliases is bounded
// by its size.
const maxAliased = 1 << 20

// plainKey is a key that needs no quotes in a path.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_<-]+$`)

// place is where in the file something stands. It is made into text only for a finding.
type place struct {
	up    *place
	key   string // a member of a mapping; "" for an element of a list
	index int
	line  int
	// aliased places are reached through an alias. Their line is that of the alias: what it stands for has its findings where it is written.
	aliased bool
}

// member is the place of a member of a mapping.
func (p *place) member(key string, k, v *yaml.Node) *place {
	return p.below(&place{up: p, key: key, line: lineOfMember(k, v)}, v)
}

// element is the place of an element of a list.
func (p *place) element(index int, n *yaml.Node) *place {
	return p.below(&place{up: p, index: index, line: n.Line}, n)
}

func (p *place) below(child *place, n *yaml.Node) *place {
	child.aliased = n.Kind == yaml.AliasNode
	if p != nil && p.aliased {
		child.line, child.aliased = p.line, true
	}
	return child
}

// missing is the place of a member that is not there.
func (p *place) missing(key string) *place {
	return &place{up: p, key: key, line: p.lineNumber()}
}

// String is the path of the place in the form that iam's paths have too: accounts[0].id, Condition.StringEquals["aws:username"].
func (p *place) String() string {
	switch {
	case p == nil:
		return ""
	case p.key == "":
		return p.up.String() + "[" + strconv.Itoa(p.index) + "]"
	case !plainKey.MatchString(p.key):
		return p.up.String() + "[" + quoteShort(p.key) + "]"
	case p.up == nil:
		return p.key
	}
	return p.up.String() + "." + p.key
}

func (p *place) lineNumber() int {
	if p == nil {
		return 1
	}
	return p.line
}

func (p *place) depth() (n int) {
	for ; p != nil; p = p.up {
		n++
	}
	return n
}

// reader walks the nodes of a file, fills File.World, and gathers findings.
type reader struct {
	file     *File
	problems []market.Problem
	aliased  int // what was read through aliases
	stopped  bool
	open     []*yaml.Node // the anchors that the walk is inside of
}

func (r *reader) problem(at *place, format string, args ...any) {
	p := market.Problem{Path: at.String(), Line: at.lineNumber(), Reason: fmt.Sprintf(format, args...)}
	if p.Path == "" {
		p.Path = "file"
	}
	r.found(p)
}

// found keeps a finding, unless there are too many.
func (r *reader) found(p market.Problem) {
	if r.stopped {
		return
	}
	r.problems = append(r.problems, p)
	if len(r.problems) == MaxProblems {
		r.problems = append(r.problems, market.Problem{Path: "file", Line: p.Line, Reason: "has more problems than these; reading stopped here"})
		r.stopped = true
	}
}

// enter follows an alias, counts the work, and answers what stands at the place: nil if that cannot be used. leave ends it.
func (r *reader) enter(at *place, n *yaml.Node) *yaml.Node {
	if r.stopped {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case !r.charge(at, n):
		return nil
	case at.depth() > MaxDepth:
		r.problem(at, "is nested too deeply: at most %d levels", MaxDepth)
		return nil
	case n.Anchor != "" && slices.Contains(r.open, n):
		r.problem(at, "anchor &%s contains itself", n.Anchor)
		return nil
	}
	if n.Anchor != "" {
		r.open = append(r.open, n)
	}
	return n
}

// charge counts what is read through aliases, and answers false when it is too much.
func (r *reader) charge(at *place, n *yaml.Node) bool {
	if at == nil || !at.aliased {
		return true
	}
	r.aliased += 1 + len(n.Value)
	if r.aliased > maxAliased {
		r.problem(at, "the file's aliases make it too large: together they stand for more than %d nodes and bytes", maxAliased)
		r.stopped = true
	}
	return !r.stopped
}

func (r *reader) leave(n *yaml.Node) {
	if n != nil && n.Anchor != "" {
		r.open = r.open[:len(r.open)-1]
	}
}

// list reads each element of a list.
func (r *reader) list(at *place, n *yaml.Node, each func(at *place, n *yaml.Node)) {
	n = r.enter(at, n)
	defer r.leave(n)
	if n == nil || isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode || !plainTag(n) {
		r.problem(at, "must be a list, not %s", kindOf(n))
		return
	}
	for i, item := range n.Content {
		each(at.element(i, item), item)
	}
}

// text reads a scalar as it stands in the file. Numbers and dates are text too; true, false and null want quotes to be.
func (r *reader) text(at *place, n *yaml.Node) (string, bool) {
	n = r.enter(at, n)
	defer r.leave(n)
	if n == nil {
		return "", false
	}
	if n.Kind != yaml.ScalarNode {
		r.problem(at, "must be text, not %s", kindOf(n))
		return "", false
	}
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!timestamp", "!!merge":
		return n.Value, true
	case "!!bool", "!!null":
		r.problem(at, "must be text; %s wants quotes to be text", quoteShort(n.Value))
	default:
		r.problem(at, "has the tag %s, which means nothing here", n.Tag)
	}
	return "", false
}

// plainTag reports whether a mapping or list is just that, and not tagged as something else.
func plainTag(n *yaml.Node) bool {
	tag := n.ShortTag()
	return tag == "!!map" || tag == "!!seq"
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// kindOf names what stands there, for the end of "must be a list, not …".
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		if n.ShortTag() != "!!map" {
			return "a mapping tagged " + n.Tag
		}
		return "a mapping"
	case yaml.SequenceNode:
		if n.ShortTag() != "!!seq" {
			return "a list tagged " + n.Tag
		}
		return "a list"
	}
	return quoteShort(n.Value)
}

// quoteShort quotes a value of the file for a message, cut where it is long.
func quoteShort(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return strconv.Quote(s)
}
