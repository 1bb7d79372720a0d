package iam

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// A small vocabulary, so that statements and requests meet often.
var (
	someActions   = rapid.SampledFrom([]string{"aws-marketplace:ResolveCustomer", "aws-marketplace:MeterUsage", "AWS-Marketplace:*", "aws-marketplace:*Usage", "*", "sts:*"})
	someResources = rapid.SampledFrom([]string{"*", "arn:aws:s3:::a", "arn:aws:s3:::${aws:username}", "arn:aws:s3:::*"})
	someOperators = rapid.SampledFrom([]string{
		"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringEqualsIfExists",
		"ForAllValues:StringEquals", "ForAnyValue:StringEquals", "ForAnyValue:StringNotLike",
	})
	someKeys   = rapid.SampledFrom([]string{"aws:username", "aws:TagKeys", "aws:userid"})
	someValues = rapid.SampledFrom([]string{"ann", "Ann", "a*", "${aws:username}", "${aws:userid, 'ann'}", ""})
)

type object = map[string]any

// drawStatement makes a statement that Parse accepts.
func drawStatement(t *rapid.T, effect string) object {
	st := object{"Effect": effect}
	pick := func(name string, from *rapid.Generator[string]) {
		if rapid.Float64().Draw(t, "not") < 0.2 {
			name = "Not" + name
		}
		st[name] = rapid.SliceOfN(from, 1, 3).Draw(t, name)
	}
	pick("Action", someActions)
	pick("Resource", someResources)
	if rapid.Bool().Draw(t, "conditional") {
		st["Condition"] = object{someOperators.Draw(t, "operator"): object{
			someKeys.Draw(t, "key"): rapid.SliceOfN(someValues, 1, 2).Draw(t, "values"),
		}}
	}
	return st
}

func drawStatements(t *rapid.T) []object {
	out := make([]object, rapid.IntRange(1, 4).Draw(t, "statements"))
	for i := range out {
		out[i] = drawStatement(t, rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect"))
	}
	return out
}

func drawRequest(t *rapid.T) *Request {
	ctx := keys{}
	for _, key := range []string{"aws:username", "aws:tagkeys", "aws:userid"} {
		if rapid.Bool().Draw(t, "present") {
			ctx[key] = rapid.SliceOfN(rapid.SampledFrom([]string{"ann", "ANN", "a*", "bob", ""}), 0, 2).Draw(t, key)
		}
	}
	return &Request{
		Action:   rapid.SampledFrom([]string{"aws-marketplace:ResolveCustomer", "aws-marketplace:meterusage", "sts:GetCallerIdentity"}).Draw(t, "action"),
		Resource: rapid.SampledFrom([]string{"*", "arn:aws:s3:::a", "arn:aws:s3:::ann"}).Draw(t, "resource"),
		Context:  contextOf(ctx),
	}
}

func policyOf(t *rapid.T, statements ...object) *Policy {
	doc, err := json.Marshal(object{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(doc)
	if err != nil {
		t.Fatalf("Parse(%s): %v", doc, err)
	}
	return p
}

func drawGrants(t *rapid.T) *Grants {
	g := &Grants{Root: rapid.Float64().Draw(t, "root") < 0.1}
	for range rapid.IntRange(0, 2).Draw(t, "identity") {
		g.Identity = append(g.Identity, Attached{Name: "I", Policy: policyOf(t, drawStatements(t)...)})
	}
	if rapid.Bool().Draw(t, "bounded") {
		g.Boundary = &Attached{Name: "B", Policy: policyOf(t, drawStatements(t)...)}
	}
	for range rapid.IntRange(0, 2).Draw(t, "session") {
		g.Session = append(g.Session, Attached{Name: "S", Policy: policyOf(t, drawStatements(t)...)})
	}
	return g
}

// with gives g with one more policy, in a copy.
func with(g *Grants, k Kind, p *Policy) *Grants {
	more := *g
	a := Attached{Name: "more", Policy: p}
	switch k {
	case Identity:
		more.Identity = append(append([]Attached(nil), g.Identity...), a)
	case Boundary:
		more.Boundary = &a
	case Session:
		more.Session = append(append([]Attached(nil), g.Session...), a)
	}
	return &more
}

func TestAddingADenyNeverAllows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, r := drawGrants(t), drawRequest(t)
		kind := rapid.SampledFrom([]Kind{Identity, Session}).Draw(t, "kind")
		before := Evaluate(g, r)
		after := Evaluate(with(g, kind, policyOf(t, drawStatement(t, "Deny"))), r)
		if after.Allowed && !before.Allowed {
			t.Fatalf("before: %s; after: %s", before.Why(), after.Why())
		}
		if before.Effect == Deny && after.Effect != Deny {
			t.Fatalf("an explicit deny went away: %s", after.Why())
		}
	})
}

func TestBoundaryAndSessionNeverGrant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, r := drawGrants(t), drawRequest(t)
		bare := *g
		bare.Boundary, bare.Session = nil, nil
		if Evaluate(g, r).Allowed && !Evaluate(&bare, r).Allowed {
			t.Fatal("allowed only with its limits")
		}
	})
}

// TestStatementsAreIndependent: a policy says what its statements say one by one, whatever their order.
func TestStatementsAreIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		statements, r := drawStatements(t), drawRequest(t)
		allow, deny := false, false
		for _, st := range statements {
			switch Evaluate(&Grants{Identity: []Attached{{Policy: policyOf(t, st)}}}, r).Effect {
			case Allow:
				allow = true
			case Deny:
				deny = true
			}
		}
		shuffled := rapid.Permutation(statements).Draw(t, "order")
		for _, list := range [][]object{statements, shuffled} {
			d := Evaluate(&Grants{Identity: []Attached{{Policy: policyOf(t, list...)}}}, r)
			if d.Allowed != (allow && !deny) || (d.Effect == Deny) != deny {
				t.Fatalf("%s; alone, some statement allows: %v, some denies: %v", d.Why(), allow, deny)
			}
			if d.Effect != NoMatch && list[d.Statement]["Effect"] != d.Effect.String() {
				t.Fatalf("%s, but that statement has effect %v", d.Why(), list[d.Statement]["Effect"])
			}
		}
	})
}

// TestNegationIsTheOpposite: where a single-valued key is present and every variable has a value, a negated operator says
// the opposite of its positive one.
func TestNegationIsTheOpposite(t *testing.T) {
	pairs := [][3]string{ // positive, negated, values
		{"StringEquals", "StringNotEquals", "s"}, {"StringLike", "StringNotLike", "s"},
		{"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "s"}, {"NumericEquals", "NumericNotEquals", "n"},
		{"DateEquals", "DateNotEquals", "n"}, {"IpAddress", "NotIpAddress", "i"}, {"ArnEquals", "ArnNotEquals", "a"}, {"ArnLike", "ArnNotLike", "a"},
	}
	vocabulary := map[string][]string{
		"s": {"ann", "Ann", "a*", ""},
		"n": {"0", "1", "-1", "100"},
		"i": {"10.0.0.0/8", "10.1.2.3", "::1", "::/0"},
		"a": {"*", "arn:aws:iam::1:user/a", "arn:aws:iam::*:user/*"},
	}
	rapid.Check(t, func(t *rapid.T) {
		pair := rapid.SampledFrom(pairs).Draw(t, "pair")
		values := rapid.SampledFrom(vocabulary[pair[2]])
		list := rapid.SliceOfN(values, 1, 3).Draw(t, "policy")
		r := &Request{Action: "a:b", Resource: "*", Context: contextOf(keys{"k": {values.Draw(t, "request")}})}
		says := func(operator string) bool {
			st := object{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": object{operator: object{"k": list}}}
			return Evaluate(&Grants{Identity: []Attached{{Policy: policyOf(t, st)}}}, r).Allowed
		}
		if says(pair[0]) == says(pair[1]) {
			t.Fatalf("%s and %s agree", pair[0], pair[1])
		}
	})
}
