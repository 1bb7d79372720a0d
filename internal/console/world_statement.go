package console

import (
	"bytes"
	"encoding/json"
	"maps"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/iam"
)

// considered is a statement of the principal's, and how it took the question.
type considered struct {
	Policy, Path string
	Boundary     bool
	Number       int // from 1
	Sid, Effect  string
	Outcome      string
	Applies      bool
	Decided      bool
}

// maxConsidered bounds how many statements an answer goes through: each is asked up to three times.
const maxConsidered = 100

// consider goes through the statements of an identity's policies, so that people see not only which decided but also why the others did not.
func (a *answer) consider(dir account.State, kind account.Kind, id account.Identity, d iam.Decision, req *iam.Request) {
	each := func(doc document, boundary bool) {
		version, list := statementsOf(doc.text)
		carried := doc.of // the name under which a decision knows the policy
		if doc.inline != "" {
			carried = doc.inline
		}
		for i, st := range list {
			decided := d.Statement == i && d.Policy == carried && boundary == (d.Kind == iam.Boundary)
			if decided {
				a.Policy, a.PolicyPath, a.Number, a.Statement = plain(doc.name), policyPath(doc.of, doc.inline), i, plain(pretty(st.raw))
			}
			if len(a.Considered) == maxConsidered {
				a.More++
				continue
			}
			outcome, applies := st.outcome(version, req)
			a.Considered = append(a.Considered, considered{
				Policy: plain(doc.name), Path: policyPath(doc.of, doc.inline), Boundary: boundary, Number: i, Sid: plain(st.text("Sid")),
				Effect: plain(st.text("Effect")), Outcome: outcome, Applies: applies, Decided: decided,
			})
		}
	}
	owner := account.User{Identity: id}.ARN()
	if kind == account.AssumedRole {
		owner = account.Role{Identity: id}.ARN()
	}
	for _, in := range id.Inline {
		each(document{of: owner, inline: in.Name, name: in.Name, text: in.Document}, false)
	}
	for _, name := range id.Attached {
		if doc, ok := documentIn(dir, name, "", id.Account); ok {
			each(doc, false)
		}
	}
	if id.Boundary != "" {
		if doc, ok := documentIn(dir, id.Boundary, "", id.Account); ok {
			each(doc, true)
		}
	}
}

// statement is one of a document's, as it is written.
type statement struct {
	raw     json.RawMessage
	members map[string]json.RawMessage
}

// statementsOf takes a document apart that is known to be well formed. A single statement may stand without brackets.
func statementsOf(doc string) (version json.RawMessage, list []statement) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(doc), &members) != nil {
		return nil, nil
	}
	parts := []json.RawMessage{members["Statement"]}
	if bytes.HasPrefix(bytes.TrimSpace(parts[0]), []byte("[")) && json.Unmarshal(parts[0], &parts) != nil {
		return nil, nil
	}
	for _, part := range parts {
		st := statement{raw: part}
		if json.Unmarshal(part, &st.members) != nil {
			return nil, nil
		}
		list = append(list, st)
	}
	return members["Version"], list
}

func (s statement) text(member string) (v string) {
	if json.Unmarshal(s.members[member], &v) != nil {
		return ""
	}
	return v
}

// outcome says whether a statement speaks about the request, and if not, which of its elements does not. It asks the statement alone, then
// without its conditions, then about any resource.
func (s statement) outcome(version json.RawMessage, req *iam.Request) (words string, applies bool) {
	switch {
	case s.speaks(version, req):
		return "applies", true
	case s.speaks(version, req, "Condition"):
		return "its conditions do not hold", false
	case s.speaks(version, req, "Condition", "Resource", "NotResource"):
		return "is about other resources", false
	}
	return "is about other actions", false
}

func (s statement) speaks(version json.RawMessage, req *iam.Request, without ...string) bool {
	members := maps.Clone(s.members)
	for _, member := range without {
		delete(members, member)
	}
	if members["Resource"] == nil && members["NotResource"] == nil {
		members["Resource"] = json.RawMessage(`"*"`)
	}
	members["Effect"] = json.RawMessage(`"Allow"`)
	doc := map[string]any{"Statement": []any{members}}
	if version != nil { // without one, policy variables are no variables
		doc["Version"] = version
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return false
	}
	p, err := iam.Parse(text)
	if err != nil {
		return false
	}
	return iam.Evaluate(&iam.Grants{Identity: []iam.Attached{{Policy: p}}}, req).Allowed
}
