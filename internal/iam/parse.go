package iam

import (
	"fmt"
	"strings"
)

// Parse reads an identity policy and compiles it. It is as strict as IAM is when a policy is written, and stricter where
// IAM takes what can only be a mistake. The error is a *SyntaxError: the first problem, and where it is.
//
// A document without Version has the version 2008-10-17, in which policy variables are plain text ("IAM JSON policy
// elements: Version"). Id is read and ignored: the guide keeps it for resource-based policies, but IAM takes it.
func Parse(doc []byte) (*Policy, error) {
	text := string(doc)
	root, err := readDocument(text)
	if err != nil {
		return nil, err
	}
	c := compiler{doc: text, policy: &Policy{}, sids: make(map[string]bool)}
	if err := c.document(root); err != nil {
		return nil, err
	}
	return c.policy, nil
}

// compiler turns the nodes of one document into a Policy.
type compiler struct {
	doc       string
	variables bool // the version of the document has policy variables
	policy    *Policy
	sids      map[string]bool
}

func (c *compiler) fail(at *node, format string, args ...any) *SyntaxError {
	return errorAt(c.doc, at.offset, at.path(), fmt.Sprintf(format, args...))
}

// failKey is fail at the name of a member.
func (c *compiler) failKey(at *node, format string, args ...any) *SyntaxError {
	return errorAt(c.doc, at.keyOffset, at.path(), fmt.Sprintf(format, args...))
}

func (c *compiler) document(root *node) *SyntaxError {
	if root.kind != objectNode {
		return c.fail(root, "a policy is an object, not %s", root.kind)
	}
	if err := c.known(root, "Version", "Id", "Statement"); err != nil {
		return err
	}
	if id := root.member("Id"); id != nil && id.kind != stringNode {
		return c.fail(id, "must be a string, not %s", id.kind)
	}
	if v := root.member("Version"); v != nil {
		if v.kind != stringNode || v.text != "2012-10-17" && v.text != "2008-10-17" {
			return c.fail(v, `must be "2012-10-17" or "2008-10-17"`)
		}
		c.variables = v.text == "2012-10-17"
	}
	list := root.member("Statement")
	if list == nil {
		return c.fail(root, "the policy has no Statement")
	}
	if len(list.items()) == 0 {
		return c.fail(list, "must contain a statement")
	}
	for _, n := range list.items() {
		st, err := c.statement(n)
		if err != nil {
			return err
		}
		c.policy.statements = append(c.policy.statements, st)
		c.policy.denies = c.policy.denies || st.deny
	}
	return nil
}

// known refuses members of n that are not among the names. Names of elements are exact, case included.
func (c *compiler) known(n *node, names ...string) *SyntaxError {
next:
	for _, kid := range n.kids {
		hint := ""
		for _, name := range names {
			if kid.key == name {
				continue next
			}
			if strings.EqualFold(kid.key, name) {
				hint = "; did you mean " + name + "?"
			}
		}
		return c.failKey(kid, "is not an element of a policy at this place%s", hint)
	}
	return nil
}

func (c *compiler) statement(n *node) (st statement, err *SyntaxError) {
	if n.kind != objectNode {
		return st, c.fail(n, "a statement is an object, not %s", n.kind)
	}
	for _, name := range [...]string{"Principal", "NotPrincipal"} {
		if p := n.member(name); p != nil {
			return st, c.failKey(p, "policy document should not specify a principal: an identity policy is about whoever it is attached to")
		}
	}
	if err := c.known(n, "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"); err != nil {
		return st, err
	}
	if sid := n.member("Sid"); sid != nil {
		if sid.kind != stringNode || sid.text != "" && !plain(sid.text) {
			return st, c.fail(sid, "must be a string of the characters A-Z, a-z and 0-9")
		}
		if sid.text != "" && c.sids[sid.text] {
			return st, c.fail(sid, "statement IDs (SID) in a single policy must be unique: %q stands twice", sid.text)
		}
		st.sid, c.sids[sid.text] = sid.text, true
	}
	effect := n.member("Effect")
	switch {
	case effect == nil:
		return st, c.fail(n, "the statement has no Effect")
	case effect.kind != stringNode || effect.text != "Allow" && effect.text != "Deny":
		return st, c.fail(effect, `must be "Allow" or "Deny"`)
	}
	st.deny = effect.text == "Deny"

	if st.actions, st.notAction, err = c.actions(n); err != nil {
		return st, err
	}
	if st.resources, st.notResource, err = c.resources(n); err != nil {
		return st, err
	}
	if cond := n.member("Condition"); cond != nil {
		st.conditions, err = c.conditions(cond)
	}
	return st, err
}

// either finds the one element of a pair that excludes each other. An empty list is as good as none: IAM answers for both
// that the statement must contain actions, or resources.
func (c *compiler) either(n *node, name, not, what string) (list *node, negated bool, err *SyntaxError) {
	list, other := n.member(name), n.member(not)
	switch {
	case list != nil && other != nil:
		return nil, false, c.failKey(other, "cannot stand beside %s in the same statement", name)
	case list == nil && other == nil:
		return nil, false, c.fail(n, "policy statement must contain %s: it has neither %s nor %s", what, name, not)
	case list == nil:
		list, negated = other, true
	}
	if len(list.items()) == 0 {
		return nil, false, c.fail(list, "policy statement must contain %s: the list is empty", what)
	}
	for _, item := range list.items() {
		if item.kind != stringNode {
			return nil, false, c.fail(item, "must be a string, not %s", item.kind)
		}
	}
	return list, negated, nil
}

func (c *compiler) actions(n *node) (out []actionPattern, negated bool, err *SyntaxError) {
	list, negated, err := c.either(n, "Action", "NotAction", "actions")
	if err != nil {
		return nil, false, err
	}
	for _, item := range list.items() {
		if problem := checkAction(item.text); problem != "" {
			return nil, false, c.fail(item, "%s", problem)
		}
		out = append(out, newActionPattern(item.text))
	}
	return out, negated, nil
}

// checkAction says what is wrong with a value of Action, in the words of IAM where it has some. Wildcards may stand in
// the name of the action, not in that of the service, which is a star or is exact.
func checkAction(text string) string {
	if text == "*" {
		return ""
	}
	vendor, name, ok := strings.Cut(text, ":")
	switch {
	case !ok:
		return fmt.Sprintf("actions/conditions must be prefaced by a vendor, such as aws-marketplace:ResolveCustomer: %q is not", text)
	case strings.Contains(name, ":"):
		return fmt.Sprintf("actions/condition can contain only one colon: %q has more", text)
	case vendor != "*" && strings.Trim(lowerASCII(vendor), "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || vendor == "":
		return fmt.Sprintf("vendor %q is not valid", vendor)
	case name == "":
		return fmt.Sprintf("%q names no action after the colon", text)
	default:
		return ""
	}
}

func (c *compiler) resources(n *node) (out []pattern, negated bool, err *SyntaxError) {
	list, negated, err := c.either(n, "Resource", "NotResource", "resources")
	if err != nil {
		return nil, false, err
	}
	for _, item := range list.items() {
		text, problem := c.completeARN(item.text)
		if problem != "" {
			return nil, false, c.fail(item, "%s", problem)
		}
		p, perr := newPattern(text, dialect{wildcards: true, variables: c.variables})
		if perr != nil {
			return nil, false, c.fail(item, "%v", perr)
		}
		out = append(out, p)
	}
	return out, negated, nil
}

// completeARN checks a resource and gives it the parts that it leaves out, as stars, which is what IAM does: it calls
// "arn:aws:sqs" "arn:aws:sqs:*:*:*". A variable may stand in the last part only ("IAM policy elements: Variables and
// tags", "Resource element"); a star at the end of a part may also match what follows it, colons included ("IAM JSON
// policy elements: Resource"), so a resource is matched as one text and not part by part.
func (c *compiler) completeARN(text string) (whole, problem string) {
	if text == "*" {
		return text, ""
	}
	head := text
	if end := fifthColon(text); strings.Count(text, ":") >= 5 {
		head = text[:end]
	}
	if i := strings.Index(head, "${"); c.variables && i >= 0 {
		return "", fmt.Sprintf("a policy variable may stand only after the fifth colon of an ARN: %q", text)
	}
	parts := strings.Split(head, ":")
	switch {
	case parts[0] != "arn":
		return "", fmt.Sprintf(`resource %s must be in ARN format or "*"`, text)
	case len(parts) < 3 || strings.ContainsAny(parts[2], "*?"):
		return "", fmt.Sprintf("resource vendor must be fully qualified and cannot contain regexes: %q", text)
	case !validPartition(parts[1]):
		return "", fmt.Sprintf("partition %q is not valid for resource %q", parts[1], text)
	case parts[2] == "":
		return "", fmt.Sprintf("resource %q names no service", text)
	}
	return text + strings.Repeat(":*", max(0, 5-strings.Count(text, ":"))), ""
}

// validPartition takes aws and whatever is named after it (aws-cn, aws-us-gov, aws-iso-b, ...), and wildcards.
func validPartition(p string) bool {
	return p == "aws" || strings.HasPrefix(p, "aws-") || strings.ContainsAny(p, "*?")
}
