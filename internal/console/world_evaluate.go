package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/iam"
)

// question is what the evaluator is asked.
type question struct {
	Principal, Action, Resource, Context string
}

// evaluatePath is the address of a question, so that it can be passed on.
func evaluatePath(q question) string {
	v := url.Values{}
	for name, value := range map[string]string{"principal": q.Principal, "action": q.Action, "resource": q.Resource, "context": q.Context} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return "/world/evaluate?" + v.Encode()
}

// evaluatePage is the evaluator.
type evaluatePage struct {
	Nav        worldNav
	Asked      question
	Principals []string // some of those that can be asked about
	Actions    []string
	Problems   map[string]string // by field
	Answer     *answer
}

// answer is what the policies say.
type answer struct {
	Allowed    bool
	Suspended  bool   // and so refused whatever policies say
	Principal  string // as messages have it
	Account    string
	Why        string
	Policy     string // that decided; "" if none did
	PolicyPath string
	Number     int // of the deciding statement, from 1
	Statement  string
	Message    string // of AccessDeniedException
	Considered []considered
	More       int // statements that are not among Considered
	Keys       []askedKey
	Link       string // to the same question; "" if it is too long for an address
}

// askedKey is a condition key that the decision looked at.
type askedKey struct{ Key, Value string }

// Bounds of a question and of its answer.
const (
	maxQuestion   = 2048 // bytes of a field of one line
	maxConditions = 100  // lines of context
	maxLink       = 1800 // bytes of an address that every browser and chat takes
)

// marketplaceActions are the actions that are asked of policies here.
func marketplaceActions() []string {
	var list []string
	for _, operation := range marketplaceOperations() {
		list = append(list, "aws-marketplace:"+operation)
	}
	return list
}

func marketplaceOperations() []string {
	return []string{"BatchMeterUsage", "GetEntitlements", "MeterUsage", "RegisterUsage", "ResolveCustomer"}
}

// evaluate asks the policies, if there is a question: as a form, or in the address.
func (c *Console) evaluate(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v := r.PostForm
	if r.Method != http.MethodPost {
		v = r.URL.Query()
	}
	q := question{
		Principal: strings.TrimSpace(v.Get("principal")), Action: strings.TrimSpace(v.Get("action")), Resource: strings.TrimSpace(v.Get("resource")),
		Context: strings.ReplaceAll(v.Get("context"), "\r\n", "\n"),
	}
	dir, err := c.service.DirectoryState(r.Context(), callerIn(r.Context()))
	if err != nil {
		return err
	}
	page := evaluatePage{Nav: c.worldNav("evaluate"), Asked: q, Principals: principalsOf(dir), Actions: marketplaceActions(), Problems: map[string]string{}}
	if page.Asked.Resource == "" {
		page.Asked.Resource = "*"
	}
	status := http.StatusOK
	if r.Method == http.MethodPost || q.Action != "" {
		if page.Answer, err = c.ask(dir, page.Asked, page.Problems); err != nil {
			return err
		}
		if page.Answer == nil {
			status = http.StatusUnprocessableEntity
		}
	}
	return c.render(w, response{status: status, page: "world_evaluate", title: "Evaluator", section: "world", style: "world.css", body: page})
}

// principalsOf lists some of the users and roles, to choose from.
func principalsOf(dir account.State) []string {
	var list []string
	for _, u := range dir.Users {
		list = append(list, u.ARN())
	}
	for _, role := range dir.Roles {
		list = append(list, role.ARN())
	}
	return list[:min(len(list), maxListed)]
}

// ask has the policies decide. If the question makes no sense, it says why in problems, and answers nil.
func (c *Console) ask(dir account.State, q question, problems map[string]string) (*answer, error) {
	p, identity, err := account.Find(dir, q.Principal)
	switch {
	case err != nil:
		return nil, err
	case q.Principal == "":
		problems["principal"] = "Say who is to be asked about."
	case len(q.Principal) > maxQuestion || p == nil:
		problems["principal"] = "There is no such principal. It is a user’s or a role’s ARN, that of a session, or an account’s number for its root user."
	}
	if name, operation, ok := strings.Cut(q.Action, ":"); !ok || name == "" || operation == "" || len(q.Action) > maxQuestion {
		problems["action"] = "An action is a service and an operation, such as aws-marketplace:ResolveCustomer."
	}
	if len(q.Resource) > maxQuestion {
		problems["resource"] = fmt.Sprintf("A resource has at most %d bytes.", maxQuestion)
	}
	given, problem := conditionsOf(q.Context)
	if problem != "" {
		problems["context"] = problem
	}
	if len(problems) > 0 {
		return nil, nil
	}
	values := usualConditions(p, c.service.Now())
	for key, list := range given {
		values[key] = list
	}
	a := &answer{Principal: plain(p.ARN), Account: p.Account, Suspended: p.Suspended}
	req := iam.Request{Action: q.Action, Resource: q.Resource, Context: func(key string) ([]string, bool) {
		list, ok := values[key]
		return list, ok
	}}
	watched := req
	watched.Context = func(key string) ([]string, bool) {
		list, ok := values[key]
		seen := askedKey{Key: plain(key), Value: "not given"}
		if ok {
			seen.Value = plain(strings.Join(list, ", "))
		}
		if !slices.Contains(a.Keys, seen) && len(a.Keys) < maxListed {
			a.Keys = append(a.Keys, seen)
		}
		return list, ok
	}
	d := iam.Evaluate(&p.Grants, &watched)
	a.Allowed, a.Why, a.Message = d.Allowed && !p.Suspended, sentence(d.Why()), plain(d.DeniedMessage(p.ARN, q.Action))
	a.consider(dir, p.Kind, identity, d, &req)
	if link := evaluatePath(q); len(link) <= maxLink {
		a.Link = link
	}
	return a, nil
}
