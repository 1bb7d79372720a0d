package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-market/souk/internal/iam"
	"github.com/souk-market/souk/internal/market"
)

// policyPath is the address of a policy: the ARN of a managed one; or the ARN of the user or role that an inline one lives in, and its name.
func policyPath(of, inline string) string {
	v := url.Values{"of": {of}}
	if inline != "" {
		v.Set("inline", inline)
	}
	return "/world/policy?" + v.Encode()
}

// policyPage is what the page of one policy shows.
type policyPage struct {
	Nav         worldNav
	Name        string
	Where       string // ARN, or of whom it is a part
	Inline      bool
	AccountID   string
	AccountPath string // "" for AWS's
	Action      string // where the form posts; "" if it cannot be edited
	Text        string // pretty-printed, or as it was sent
	Was         string // tells whether the policy is still the one that was shown
	Saved       bool
	Problem     string
	Place       *place
	Problems    []string
}

// place is where in a document something is wrong.
type place struct {
	Line, Column int
	Path         string
	Before, At   string // of the line: up to the place, and from there on
}

// sent is a form that has to be shown again.
type sent struct {
	text, problem string
	place         *place
	problems      []string
}

func (c *Console) policy(w http.ResponseWriter, r *http.Request) error {
	return c.showPolicy(w, r, http.StatusOK, nil)
}

func (c *Console) findPolicy(r *http.Request) (document, error) {
	q := r.URL.Query()
	dir, err := c.service.DirectoryState(r.Context(), callerIn(r.Context()))
	if err != nil {
		return document{}, err
	}
	d, ok := documentIn(dir, q.Get("of"), q.Get("inline"), q.Get("in"))
	if !ok {
		return document{}, &httpError{http.StatusNotFound, "There is no such policy."}
	}
	return d, nil
}

func (c *Console) showPolicy(w http.ResponseWriter, r *http.Request, status int, again *sent) error {
	d, err := c.findPolicy(r)
	if err != nil {
		return err
	}
	page := policyPage{
		Nav: c.worldNav("policies"), Name: plain(d.name), Where: plain(d.of), Inline: d.inline != "", AccountID: d.account, Text: pretty([]byte(d.text)),
		Was: digest(d.text), Saved: r.URL.Query().Get("notice") == "saved",
	}
	if d.account != "" {
		page.AccountPath = worldAccountPath(d.account)
	}
	if d.write != nil && callerIn(r.Context()).Operator {
		page.Action = policyPath(d.of, d.inline)
	}
	if again != nil {
		page.Text, page.Problem, page.Place, page.Problems = again.text, again.problem, again.place, again.problems
	}
	return c.render(w, response{status: status, page: "world_policy", title: page.Name, section: "world", style: "world.css", body: page})
}

// savePolicy gives a policy another document: all of it, or nothing. It holds from the next call on.
func (c *Console) savePolicy(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	text := strings.ReplaceAll(r.PostForm.Get("document"), "\r\n", "\n") // forms send line breaks so
	_, err := iam.Parse([]byte(text))
	if wrong, ok := errors.AsType[*iam.SyntaxError](err); ok {
		return c.showPolicy(w, r, http.StatusUnprocessableEntity, &sent{text: text, problem: sentence(wrong.Reason), place: placeOf(text, wrong)})
	}
	if err != nil {
		return c.showPolicy(w, r, http.StatusUnprocessableEntity, &sent{text: text, problem: sentence(err.Error())})
	}
	c.tools.editing.Lock()
	defer c.tools.editing.Unlock()
	d, err := c.findPolicy(r)
	switch {
	case err != nil:
		return err
	case d.write == nil:
		return &httpError{http.StatusConflict, "AWS’s managed policies are as AWS made them. Attach a policy of the account’s own in its place, and change that one."}
	case digest(d.text) != r.PostForm.Get("was"):
		return c.showPolicy(w, r, http.StatusConflict, &sent{text: text,
			problem: "The policy was changed since this form was loaded. Nothing was saved; saving now replaces what it has become."})
	}
	err = c.applyDirectory(r, d.write(text))
	if refused, ok := errors.AsType[*market.Error](err); ok && refused.Code == market.Invalid {
		again := &sent{text: text, problem: sentence(refused.Message)}
		for _, p := range refused.Problems {
			again.problems = append(again.problems, plain(p.String()))
		}
		return c.showPolicy(w, r, http.StatusUnprocessableEntity, again)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, policyPath(d.of, d.inline)+"&notice=saved", http.StatusSeeOther)
	return nil
}

// placeOf cuts the line that is wrong in two, where it is.
func placeOf(text string, wrong *iam.SyntaxError) *place {
	p := &place{Line: wrong.Line, Column: wrong.Column, Path: plain(wrong.Path)}
	lines := strings.Split(text, "\n")
	if wrong.Line < 1 || wrong.Line > len(lines) {
		return p
	}
	const around = 60 // characters of a line that may be megabytes long
	line := []rune(lines[wrong.Line-1])
	at := min(max(wrong.Column-1, 0), len(line))
	show := func(part []rune) string { return plain(strings.ReplaceAll(string(part), "\t", "    ")) }
	p.Before, p.At = show(line[max(at-around, 0):at]), show(line[at:min(at+around, len(line))])
	return p
}
