package market

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/iam"
)

// Question asks whether a principal may do something.
type Question struct {
	Principal string              // as account.Find takes it
	Action    string              // "aws-marketplace:ResolveCustomer"
	Resource  string              // "": "*", which is what the marketplace's own calls ask about
	Context   map[string][]string // condition keys, beside or in place of those that the principal brings along
}

// Verdict is what the policies say.
type Verdict struct {
	Allowed   bool
	Principal string // as messages have it
	Suspended bool   // the account is, which refuses whatever policies say
	Decision  iam.Decision
	Message   string // of the AccessDeniedException; "" for what is allowed
}

// maxQuestion bounds each text of a question, in bytes, and how many condition keys it has.
const maxQuestion, maxQuestionKeys = 2048, 100

// May asks the policies as a call of the principal would be decided about at present.
//
// Errors: Forbidden, Invalid, NotFound for the principal.
func (s *Service) May(ctx context.Context, c Caller, q Question) (Verdict, error) {
	if err := operatorOnly(c); err != nil {
		return Verdict{}, err
	}
	if q.Resource == "" {
		q.Resource = "*"
	}
	service, operation, ok := strings.Cut(q.Action, ":")
	switch {
	case len(q.Principal) > maxQuestion || len(q.Action) > maxQuestion || len(q.Resource) > maxQuestion:
		return Verdict{}, fail(Invalid, "principal, action and resource have at most %d bytes each", maxQuestion)
	case !ok || service == "" || operation == "":
		return Verdict{}, fail(Invalid, "an action is a service and an operation, such as aws-marketplace:ResolveCustomer")
	case len(q.Context) > maxQuestionKeys:
		return Verdict{}, fail(Invalid, "there are at most %d condition keys", maxQuestionKeys)
	}
	dir, err := s.DirectoryState(ctx, c)
	if err != nil {
		return Verdict{}, err
	}
	p, _, err := account.Find(dir, q.Principal)
	if err != nil {
		return Verdict{}, asMarket("evaluate", err)
	}
	if p == nil {
		return Verdict{}, fail(NotFound, "principal %q does not exist: it is a user's or a role's ARN, that of a session, or an account's number for its root user", q.Principal)
	}
	values := p.Conditions(s.now())
	for key, list := range q.Context {
		values[strings.ToLower(key)] = list
	}
	d := iam.Evaluate(&p.Grants, &iam.Request{Action: q.Action, Resource: q.Resource, Context: func(key string) ([]string, bool) {
		list, ok := values[key]
		return list, ok
	}})
	v := Verdict{Allowed: d.Allowed && !p.Suspended, Principal: p.ARN, Suspended: p.Suspended, Decision: d}
	if !d.Allowed {
		v.Message = d.DeniedMessage(p.ARN, q.Action)
	}
	return v, nil
}
