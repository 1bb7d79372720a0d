package iam

// Policy is a compiled policy document. It is immutable and safe for concurrent use.
type Policy struct {
	statements []statement
	denies     bool // some statement has the effect Deny
}

// Statements is how many statements the document has.
func (p *Policy) Statements() int { return len(p.statements) }

type statement struct {
	sid         string
	deny        bool
	notAction   bool // actions are those of NotAction
	notResource bool // resources are those of NotResource
	actions     []actionPattern
	resources   []pattern
	conditions  []condition
}

// applies reports whether the statement speaks about the request: action, resource and every condition.
func (st *statement) applies(r *Request) bool {
	return st.matchesAction(r.Action) && st.matchesResource(r) && st.matchesConditions(r)
}

func (st *statement) matchesAction(action string) bool {
	for i := range st.actions {
		if st.actions[i].match(action) {
			return !st.notAction
		}
	}
	return st.notAction
}

// matchesResource looks at Resource or NotResource. A pattern whose variable the request has no value for matches
// nothing, and in NotResource it takes the whole element with it: "any attempt to match it fails and causes the
// statement to be invalid" ("IAM policy elements: Variables and tags").
func (st *statement) matchesResource(r *Request) bool {
	for i := range st.resources {
		switch st.resources[i].match(r.Resource, r) {
		case matched:
			return !st.notResource
		case unresolved:
			if st.notResource {
				return false
			}
		}
	}
	return st.notResource
}

func (st *statement) matchesConditions(r *Request) bool {
	for i := range st.conditions {
		if !st.conditions[i].holds(r) {
			return false
		}
	}
	return true
}
