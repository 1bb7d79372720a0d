package world

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// mapping is a mapping whose keys are known. Each is taken with the method of its type; what is wrong with it is a finding.
type mapping struct {
	r       *reader
	at      *place
	members map[string]member
}

type member struct {
	at *place
	n  *yaml.Node
}

// mapping reads the keys of n. It answers false if n is no mapping. Unknown keys and those that stand twice are findings.
func (r *reader) mapping(at *place, n *yaml.Node, known ...string) (mapping, bool) {
	m := mapping{r: r, at: at, members: make(map[string]member, len(known))}
	n = r.enter(at, n)
	defer r.leave(n)
	if n == nil {
		return m, false
	}
	if n.Kind != yaml.MappingNode || !plainTag(n) {
		r.problem(at, "must be a mapping, not %s", kindOf(n))
		return m, false
	}
	r.eachMember(at, n, func(key string, at *place, value *yaml.Node) {
		if !slices.Contains(known, key) {
			r.problem(at, "%s", unknownKey(key, known))
			return
		}
		m.members[key] = member{at, value}
	})
	return m, true
}

// eachMember walks a mapping in order, those that a merge key (<<) brings in at the end. Keys that stand twice are findings, and the first counts.
func (r *reader) eachMember(at *place, n *yaml.Node, each func(key string, at *place, value *yaml.Node)) {
	seen := make(map[string]int, len(n.Content)/2)
	var merged []member
	for i := 0; i+1 < len(n.Content) && !r.stopped; i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if target(k).ShortTag() == "!!merge" {
			merged = append(merged, member{at.member("<<", k, v), v})
			continue
		}
		key, ok := r.key(at.member("?", k, v), k)
		if !ok {
			continue
		}
		here := at.member(key, k, v)
		if line, twice := seen[key]; twice {
			if !here.aliased {
				here.line = k.Line
			}
			r.problem(here, "this key stands twice here, first in line %d", line)
			continue
		}
		seen[key] = k.Line
		each(key, here, v)
	}
	for _, m := range merged {
		r.merge(m, at, seen, each)
	}
}

// merge walks what a merge key brings into a mapping: another one, or a list of them. What is there already stays.
func (r *reader) merge(m member, into *place, seen map[string]int, each func(string, *place, *yaml.Node)) {
	n := r.enter(m.at, m.n)
	defer r.leave(n)
	switch {
	case n == nil:
	case n.Kind == yaml.MappingNode:
		r.eachMember(m.at, n, func(key string, here *place, value *yaml.Node) {
			if _, ok := seen[key]; !ok {
				seen[key] = here.line
				here.up = into
				each(key, here, value)
			}
		})
	case n.Kind == yaml.SequenceNode && m.at.key == "<<":
		for i, item := range n.Content {
			r.merge(member{m.at.element(i, item), item}, into, seen, each)
		}
	default:
		r.problem(m.at, "must be a mapping to merge, or a list of them, not %s", kindOf(n))
	}
}

// key reads the key of a member as text.
func (r *reader) key(at *place, n *yaml.Node) (string, bool) {
	n = target(n)
	switch {
	case !r.charge(at, n):
		return "", false
	case n.Kind != yaml.ScalarNode:
		r.problem(at, "a key must be text, not %s", kindOf(n))
		return "", false
	case n.Value == "":
		r.problem(at, "a key must not be empty")
		return "", false
	}
	return n.Value, true
}

// get finds a member that has a value.
func (m *mapping) get(key string) (member, bool) {
	v, ok := m.members[key]
	return v, ok && !isNull(target(v.n))
}

// place is where a member stands; the mapping's own if it is left out.
func (m *mapping) place(key string) *place {
	if v, ok := m.members[key]; ok {
		return v.at
	}
	return m.at
}

// must reads text that has to be there and to satisfy the rules. It answers "" after a finding.
func (m *mapping) must(key string, rules ...rule) string {
	if _, ok := m.get(key); !ok && !m.r.stopped {
		at := m.at.missing(key)
		at.line = m.place(key).lineNumber()
		m.r.problem(at, "is missing")
		return ""
	}
	return m.may(key, rules...)
}

// may reads text that has to satisfy the rules if it is there. It answers "" if it is not, and after a finding.
func (m *mapping) may(key string, rules ...rule) string {
	v, ok := m.get(key)
	if !ok {
		return ""
	}
	s, ok := m.r.text(v.at, v.n)
	if !ok {
		return ""
	}
	for _, rule := range rules {
		if reason := rule(s); reason != "" {
			m.r.problem(v.at, "%s", reason)
			return ""
		}
	}
	return s
}

// instant reads a point in time, in UTC. It answers the zero time if it is not there, and after a finding.
func (m *mapping) instant(key string) (t time.Time) {
	if s := m.may(key, instant); s != "" {
		_ = t.UnmarshalText([]byte(s)) // the rule has seen it do so
	}
	return t.UTC()
}

// flag reads true or false.
func (m *mapping) flag(key string, otherwise bool) bool {
	v, ok := m.get(key)
	if !ok {
		return otherwise
	}
	n := m.r.enter(v.at, v.n)
	defer m.r.leave(n)
	if n == nil {
		return otherwise
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" {
		if b, err := strconv.ParseBool(strings.ToLower(n.Value)); err == nil {
			return b
		}
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Style != 0 {
		m.r.problem(v.at, "must be true or false without quotes, not %s", kindOf(n))
	} else {
		m.r.problem(v.at, "must be true or false, not %s", kindOf(n))
	}
	return otherwise
}

// number reads a whole number, in decimal.
func (m *mapping) number(key string) (int, bool) {
	v, ok := m.get(key)
	if !ok {
		return 0, false
	}
	n := m.r.enter(v.at, v.n)
	defer m.r.leave(n)
	if n == nil {
		return 0, false
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" {
		if i, err := strconv.Atoi(n.Value); err == nil && i <= math.MaxInt32 && i >= math.MinInt32 {
			return i, true
		}
	}
	m.r.problem(v.at, "must be a whole number, not %s", kindOf(n))
	return 0, false
}

// list reads each element of a member that is a list.
func (m *mapping) list(key string, each func(at *place, n *yaml.Node)) {
	if v, ok := m.get(key); ok {
		m.r.list(v.at, v.n, each)
	}
}
