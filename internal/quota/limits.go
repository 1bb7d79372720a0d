// Package quota bounds how often an account calls an operation in a Region: a token bucket each, on the wall clock, as
// AWS has it. A call that finds its bucket empty gets ThrottlingException.
package quota

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of what a file may say.
const (
	minRate  = 0.001 // a call in a quarter of an hour
	maxRate  = 1e6   // more than one process answers
	maxBurst = 1_000_000
)

// Rate is how fast a bucket fills and how much it holds.
type Rate struct {
	// PerSecond is calls a second in the long run. Without a positive one there is no limit.
	PerSecond float64
	// Burst is how many calls a full bucket allows at once; 0 is the whole part of PerSecond, at least 1.
	Burst int
}

// Limits is a Rate for each operation, by its name. An operation that is not there has no limit.
type Limits struct {
	Rates map[string]Rate
}

// AWS is the documented quotas, for each account and Region:
//
//   - BatchMeterUsage, MeterUsage 10 a second, RegisterUsage 5:
//     https://docs.aws.amazon.com/marketplace/latest/APIReference/metering-service-quotas.html
//   - GetEntitlements 20 a second:
//     https://docs.aws.amazon.com/marketplace/latest/developerguide/entitlement-service-quotas.html
//   - ResolveCustomer has none documented; 10 a second is ours, after the other operations of its service.
//
// The pages name rates only. Bursts of one second's worth are ours.
func AWS() Limits {
	return Limits{Rates: map[string]Rate{
		"BatchMeterUsage": {PerSecond: 10},
		"GetEntitlements": {PerSecond: 20},
		"MeterUsage":      {PerSecond: 10},
		"RegisterUsage":   {PerSecond: 5},
		"ResolveCustomer": {PerSecond: 10},
	}}
}

// Off is no limits.
func Off() Limits { return Limits{} }

// Parse reads limits from a YAML or JSON mapping of operations to rates:
//
//	ResolveCustomer: 25                   # a second
//	BatchMeterUsage: {rate: 10, burst: 50}
//
// The file is the whole of it: operations that it does not name have no limit. It must name at least one. The error tells
// of everything that is wrong, each with its line.
func Parse(file []byte) (Limits, error) {
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(file))
	if err := d.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return Limits{}, fmt.Errorf("quota: parse: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return Limits{}, errors.New("quota: parse: the file is empty")
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return Limits{}, errors.New("quota: parse: the file must be one document")
	}
	p := parser{known: AWS().Rates}
	limits := p.limits(doc.Content[0])
	if p.errs != nil {
		return Limits{}, fmt.Errorf("quota: parse: %w", errors.Join(p.errs...))
	}
	return limits, nil
}

// parser walks the nodes, since only they know their lines.
type parser struct {
	known map[string]Rate // by operation
	errs  []error
}

func (p *parser) wrong(n *yaml.Node, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...)))
}

// members calls each for every member of a mapping with a name of its own.
func (p *parser) members(n *yaml.Node, each func(name, value *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if first, ok := seen[name.Value]; ok {
			p.wrong(name, "%q is there already, at line %d", name.Value, first)
			continue
		}
		seen[name.Value] = name.Line
		each(name, n.Content[i+1])
	}
}

func (p *parser) limits(n *yaml.Node) Limits {
	limits := Limits{Rates: map[string]Rate{}}
	if n.Kind != yaml.MappingNode {
		p.wrong(n, "there must be a mapping of operations to rates")
		return limits
	}
	if len(n.Content) == 0 {
		p.wrong(n, "no operation is named")
	}
	p.members(n, func(name, value *yaml.Node) {
		if _, ok := p.known[name.Value]; !ok {
			p.wrong(name, "unknown operation %q; there are %s", name.Value, strings.Join(sortedKeys(p.known), ", "))
			return
		}
		limits.Rates[name.Value] = p.rate(name, value)
	})
	return limits
}

func (p *parser) rate(name, n *yaml.Node) (r Rate) {
	if n.Kind != yaml.MappingNode {
		r.PerSecond = p.number(n, minRate, maxRate)
		return r
	}
	rated := false
	p.members(n, func(member, value *yaml.Node) {
		switch member.Value {
		case "rate":
			rated = true
			r.PerSecond = p.number(value, minRate, maxRate)
		case "burst":
			burst := p.number(value, 1, maxBurst)
			if burst != math.Trunc(burst) {
				p.wrong(value, "burst must be a whole number")
			}
			r.Burst = int(burst)
		default:
			p.wrong(member, "unknown member %q; there are rate and burst", member.Value)
		}
	})
	if !rated {
		p.wrong(name, "%s needs a rate", name.Value)
	}
	return r
}

// number reads a number, and not a text that looks like one.
func (p *parser) number(n *yaml.Node, least, most float64) float64 {
	var f float64
	if tag := n.ShortTag(); n.Kind != yaml.ScalarNode || tag != "!!int" && tag != "!!float" || n.Decode(&f) != nil {
		p.wrong(n, "there must be a number")
		return least
	}
	if !(f >= least && f <= most) { // so written that .nan is refused
		p.wrong(n, "%s must be from %v to %v", n.Value, least, most)
		return least
	}
	return f
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
