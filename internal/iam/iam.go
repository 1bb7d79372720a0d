// Package iam reads AWS identity policies and decides with them: may this principal do this action, and which statement
// said so.
//
// It does what the IAM User Guide says of identity-based policies, permissions boundaries and session policies ("IAM
// JSON policy element reference", "Policy evaluation logic", "Grammar of the IAM JSON policy language"). Resource-based
// policies, service control policies and the Principal element are not part of it. Where the guide is silent, or the
// service does otherwise than its guide, the comment at that place says what was chosen and why.
//
// Everything here is pure: no clock, no store, no state. Parse compiles a document once; Evaluate runs on the compiled
// form, for every request, and does not allocate unless a policy variable is expanded.
package iam

// Attached is a policy under the name by which a principal carries it.
type Attached struct {
	// Name is the name of an inline policy, or the ARN of a managed one.
	Name string
	// Policy is what Parse made of the document. A nil Policy matches nothing.
	Policy *Policy
}

// Grants is what a principal carries into a decision. The zero value may do nothing.
type Grants struct {
	// Identity holds the inline and the attached policies; one that allows is enough.
	Identity []Attached
	// Boundary is the permissions boundary, or nil. It allows nothing by itself and limits what Identity can.
	Boundary *Attached
	// Session holds the session policies of a temporary credential. With none there is no such limit; with some, at
	// least one of them must allow as well.
	Session []Attached
	// Root marks the account's root user. It needs no identity policy, and Identity and Boundary do not limit it
	// ("Permissions boundaries for IAM entities"); Session does.
	Root bool
}

// Request is what is asked.
type Request struct {
	// Action is the full name, such as "aws-marketplace:ResolveCustomer". Its ASCII letters compare without regard to case.
	Action string
	// Resource is an ARN, or "*" for an action that takes no resource.
	Resource string
	// Context gives the values of a condition key, or false if the request does not have that key. The key is in lower
	// case ("aws:sourceip"). It is asked only for keys that a matching statement names, possibly more than once, and the
	// slice is only read. A binary key gives its bytes as they are, not in Base64. A nil Context has no keys.
	Context func(key string) ([]string, bool)
}

// lookup is Context, for a nil Context too.
func (r *Request) lookup(key string) ([]string, bool) {
	if r.Context == nil {
		return nil, false
	}
	return r.Context(key)
}
