package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/fault"
)

// faultsPage is what the faults' page shows.
type faultsPage struct {
	Nav    worldNav
	Rules  []faultRow
	More   int // rules that are not among them
	Seed   uint64
	Ready  []readyFault
	Form   faultForm
	Lists  faultLists
	Notice string
}

// faultRow is a rule, in words.
type faultRow struct {
	ID, What, Which, When string
	Matched, Fired        int64
	Spent                 bool // it will not fire again
	Remove, Arm           string
}

// faultLists are what the form's fields offer.
type faultLists struct{ Operations, Codes []string }

var faultNotices = map[string]string{
	"added":   "The fault is armed. Make the call that it waits for, and see it fire here.",
	"armed":   "The fault is armed again, and counts from nothing. It stands behind the others now.",
	"removed": "The fault is removed.",
	"cleared": "All faults are removed.",
}

// faults lists the rules, with how often each has fired.
func (c *Console) faults(w http.ResponseWriter, r *http.Request) error {
	return c.showFaults(w, r, http.StatusOK, faultForm{})
}

func (c *Console) showFaults(w http.ResponseWriter, r *http.Request, status int, form faultForm) error {
	if c.tools.faults == nil {
		return notSimulated("faults")
	}
	rules := c.tools.faults.List()
	page := faultsPage{
		Nav: c.worldNav("faults"), Seed: c.tools.faults.Seed(), Ready: readyFaults(), Form: form.orUsual(),
		Lists: faultLists{marketplaceOperations(), refusals()}, Notice: faultNotices[r.URL.Query().Get("notice")],
	}
	page.More = max(len(rules)-maxListed, 0)
	for _, rule := range rules[page.More:] { // the newest are those that somebody looks for
		page.Rules = append(page.Rules, rowOfFault(rule))
	}
	return c.render(w, response{status: status, page: "world_faults", title: "Faults", section: "world", style: "world.css", script: "world.js", body: page})
}

func rowOfFault(r fault.Rule) faultRow {
	at := "/world/faults/" + url.PathEscape(r.ID)
	return faultRow{
		ID: r.ID, What: effectWords(r), Which: whichWords(r), When: whenWords(r), Matched: r.Matched, Fired: r.Fired,
		Spent: r.Times != 0 && r.Fired >= int64(r.Times) || r.Nth != 0 && r.Matched >= int64(r.Nth), Remove: at + "/remove", Arm: at + "/arm",
	}
}

// addFault adds a rule: the form's, or one of those that are ready made.
func (c *Console) addFault(w http.ResponseWriter, r *http.Request) error {
	if c.tools.faults == nil {
		return notSimulated("faults")
	}
	if err := parseForm(r); err != nil {
		return err
	}
	form := faultFormOf(r.PostForm)
	rule := form.rule()
	if len(form.Problems) == 0 {
		_, err := c.tools.faults.Add(rule)
		switch {
		case errors.Is(err, fault.ErrInvalid):
			form.refused(err)
		case errors.Is(err, fault.ErrFull):
			return tooManyFaults()
		case err != nil:
			return err
		}
	}
	if len(form.Problems) > 0 {
		return c.showFaults(w, r, http.StatusUnprocessableEntity, form)
	}
	http.Redirect(w, r, "/world/faults?notice=added", http.StatusSeeOther)
	return nil
}

func tooManyFaults() error {
	return &httpError{http.StatusConflict, "There are as many faults as there can be. Remove one first."}
}

func noFault(id string) error {
	return &httpError{http.StatusNotFound, "There is no fault “" + plain(id) + "”. It was removed, or armed again under another number."}
}

// armFault begins a rule anew: one that has done what it was to do fires again. The new one is there before the old one goes, so that a set
// that is full changes nothing.
func (c *Console) armFault(w http.ResponseWriter, r *http.Request) error {
	if c.tools.faults == nil {
		return notSimulated("faults")
	}
	id := r.PathValue("id")
	rules := c.tools.faults.List()
	at := slices.IndexFunc(rules, func(rule fault.Rule) bool { return rule.ID == id })
	if at < 0 {
		return noFault(id)
	}
	fresh, err := c.tools.faults.Add(rules[at])
	if errors.Is(err, fault.ErrFull) {
		return tooManyFaults()
	}
	if err != nil {
		return err
	}
	if err := c.tools.faults.Remove(id); err != nil { // somebody else was quicker
		_ = c.tools.faults.Remove(fresh.ID) // gone already is as good
		return noFault(id)
	}
	http.Redirect(w, r, "/world/faults?notice=armed", http.StatusSeeOther)
	return nil
}

func (c *Console) removeFault(w http.ResponseWriter, r *http.Request) error {
	if c.tools.faults == nil {
		return notSimulated("faults")
	}
	err := c.tools.faults.Remove(r.PathValue("id"))
	if errors.Is(err, fault.ErrNotFound) {
		return noFault(r.PathValue("id"))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/world/faults?notice=removed", http.StatusSeeOther)
	return nil
}

func (c *Console) clearFaults(w http.ResponseWriter, r *http.Request) error {
	if c.tools.faults == nil {
		return notSimulated("faults")
	}
	c.tools.faults.Clear()
	http.Redirect(w, r, "/world/faults?notice=cleared", http.StatusSeeOther)
	return nil
}

// problemsOf takes what is wrong with a rule apart, a sentence each.
func problemsOf(err error) (list []string) {
	text := err.Error()
	if _, after, ok := strings.Cut(text, fault.ErrInvalid.Error()+": "); ok {
		text = after
	}
	for line := range strings.SplitSeq(text, "\n") {
		list = append(list, sentence(line))
	}
	return list
}
