package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

const changed = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

// documents are all that are stored, by owner and name.
func documents(w *world) map[string]string {
	w.Helper()
	dir, err := w.service.DirectoryState(w.Context(), market.Operator())
	if err != nil {
		w.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range dir.Policies {
		out[p.ARN()] = p.Document
	}
	for _, u := range dir.Users {
		for _, in := range u.Inline {
			out[u.ARN()+" "+in.Name] = in.Document
		}
	}
	for _, r := range dir.Roles {
		for _, in := range r.Inline {
			out[r.ARN()+" "+in.Name] = in.Document
		}
	}
	return out
}

func TestPoliciesAreListed(t *testing.T) {
	w := peopled(t)
	w.get("/world/policies").is(t, http.StatusOK, "Home", "managed", "NotBatch", "inline", "user app of "+seller, "AWSMarketplaceMeteringFullAccess", "AWS managed")
	people := peopledWorld()
	for i := range 60 {
		people.Directory.Policies = append(people.Directory.Policies, account.Policy{Account: alice, Name: fmt.Sprintf("P%02d", i), Document: allowAll})
	}
	w = newWorld(t, worldConfig{world: people})
	first := w.get("/world/policies").is(t, http.StatusOK, "Next page", "P10")
	second := w.get("/world/policies?from=50").is(t, http.StatusOK, "Back to the first page", "NotBatch", "P59")
	if strings.Contains(first.text(), "P59") || strings.Contains(second.text(), "P10") || strings.Contains(second.text(), "AWS managed") {
		t.Error("a policy stands on both pages, or AWS's not on the first only")
	}
	w.get("/world/policies?from=900").is(t, http.StatusOK, "There are no more.")
}

func TestPolicyIsShownPrettyPrinted(t *testing.T) {
	w := peopled(t)
	p := w.get(policyAt(policyARN, "")).is(t, http.StatusOK, "Home", policyARN, "account "+seller)
	if !strings.Contains(p.body, "\n  &#34;Version&#34;: &#34;2012-10-17&#34;,\n") {
		t.Errorf("not laid out:\n%s", p.body)
	}
	managed := w.get(policyAt("arn:aws:iam::aws:policy/AWSMarketplaceMeteringFullAccess", "")).is(t, http.StatusOK, "aws-marketplace:MeterUsage", "as AWS made them")
	if strings.Contains(managed.body, "<textarea") {
		t.Error("AWS's policy can be edited")
	}
	w.get("/world/policy?of=Home&in="+seller).is(t, http.StatusOK, policyARN)
	for _, path := range []string{"/world/policy", "/world/policy?of=Home&in=" + alice, policyAt(userARN, "Nothing"), policyAt("arn:aws:iam::"+seller+":user/nobody", "Marketplace"), policyAt("../iam", "")} {
		w.get(path).is(t, http.StatusNotFound, "There is no such policy.")
	}
}

func TestPoliciesAreEdited(t *testing.T) {
	people := peopledWorld()
	people.Directory.Roles[0].Inline = []account.Inline{{Name: "Own", Document: allowAll}}
	w := newWorld(t, worldConfig{world: people})
	for at, path := range map[string]string{policyARN: policyAt(policyARN, ""), userARN + " NotBatch": policyAt(userARN, "NotBatch"), roleARN + " Own": policyAt(roleARN, "Own")} {
		before := documents(w)
		form := w.get(path).hiddenFields()
		form.Set("document", strings.ReplaceAll(changed, ",", ",\r\n"))
		p := w.post(path, form).is(t, http.StatusSeeOther)
		w.get(p.Header.Get("Location")).is(t, http.StatusOK, "Saved. It holds from the next call on.", "Deny")
		for name, doc := range documents(w) {
			if want := strings.ReplaceAll(changed, ",", ",\n"); name == at && doc != want {
				t.Errorf("%s is %q, want %q", name, doc, want)
			} else if name != at && doc != before[name] {
				t.Errorf("editing %s changed %s", at, name)
			}
		}
	}
	if role, ok := w.credentials.Directory.Role(roleARN); !ok || role.Workload != account.ECSTask || len(role.Grants.Identity) != 3 {
		t.Errorf("the role lost something: %+v", role)
	}
	// What was saved decides at once.
	w.get("/world/evaluate?principal="+url.QueryEscape(userARN)+"&action=aws-marketplace:ResolveCustomer").is(t, http.StatusOK, "Not allowed", "Explicitly denied")
}

func TestPoliciesThatAreNotSaved(t *testing.T) {
	w := peopled(t)
	before := documents(w)
	path := policyAt(policyARN, "")
	was := w.get(path).hiddenFields().Get("was")
	for name, test := range map[string]struct {
		document string
		texts    []string
	}{
		"empty":       {"", []string{"Line 1, column 1"}},
		"no JSON":     {"{\r\n  \"Version\": \"2012-10-17\",\r\n  oops\r\n}", []string{"Line 3, column 3", "oops"}},
		"bad element": {"{\n \"Version\": \"2012-10-17\",\n \"Statement\": [{\"Effect\": \"Perhaps\", \"Action\": \"*\", \"Resource\": \"*\"}]\n}", []string{"Line 3, column", "at Statement[0].Effect", "Perhaps"}},
	} {
		p := w.post(path, url.Values{"was": {was}, "document": {test.document}}).is(t, http.StatusUnprocessableEntity, test.texts...)
		if !strings.Contains(p.body, `aria-invalid="true"`) || test.document != "" && !strings.Contains(p.text(), strings.Join(strings.Fields(test.document), " ")) {
			t.Errorf("%s: the form is not shown again as it was sent:\n%s", name, p.text())
		}
	}
	w.post(path, url.Values{"document": {changed}}).is(t, http.StatusConflict, "was changed since this form was loaded")
	stale := w.post(path, url.Values{"was": {"0123456789abcdef"}, "document": {changed}}).is(t, http.StatusConflict, "Nothing was saved")
	w.post(policyAt("AdministratorAccess", ""), url.Values{"was": {was}, "document": {changed}}).is(t, http.StatusConflict, "as AWS made them")
	w.post(policyAt(userARN, "Nothing"), url.Values{"was": {was}, "document": {changed}}).is(t, http.StatusNotFound)
	w.post(path, url.Values{"was": {was}, "document": {strings.Repeat(" ", 70<<10)}}).is(t, http.StatusRequestEntityTooLarge)
	for name, doc := range documents(w) {
		if doc != before[name] {
			t.Errorf("%s was changed to %s", name, doc)
		}
	}
	form := stale.hiddenFields() // whoever has read the warning may save
	form.Set("document", changed)
	w.post(path, form).is(t, http.StatusSeeOther)
}
