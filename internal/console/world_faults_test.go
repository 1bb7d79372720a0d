package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/fault"
)

func TestFaultsAreAddedAndSeenToFire(t *testing.T) {
	w := peopled(t)
	w.get("/world/faults").is(t, http.StatusOK, "No faults: every call goes as it should.", "Ready made")
	p := w.post("/world/faults", url.Values{"effect": {"refuse"}, "code": {"ThrottlingException"}, "message": {"Slow down"}, "operation": {"ResolveCustomer"}, "principal": {seller},
		"product": {legacy}, "attempt": {"1"}, "when": {"always"}, "times": {"2"}}).is(t, http.StatusSeeOther)
	w.get(p.Header.Get("Location")).is(t, http.StatusOK, "The fault is armed.", "flt-1", "The call is refused with ThrottlingException",
		"ResolveCustomer by "+seller+" about product "+legacy+" at attempt 1, each time, at most 2 times", "Armed")
	call := fault.Call{Operation: "ResolveCustomer", Account: seller, ProductCode: legacy, Attempt: 1}
	for range 3 {
		w.faults.Match(&call)
	}
	if p := w.get("/world/faults").is(t, http.StatusOK, "Spent"); !strings.Contains(p.body, ` matched">3</td>`) || !strings.Contains(p.body, ` fired"><b>2</b></td>`) {
		t.Errorf("want 3 calls that matched and 2 that it befell:\n%s", p.text())
	}
	w.get(w.post("/world/faults/flt-1/arm", url.Values{}).is(t, http.StatusSeeOther).Header.Get("Location")).is(t, http.StatusOK, "armed again", "flt-2")
	want := []fault.Rule{{ID: "flt-2", Operation: "ResolveCustomer", Principal: seller, ProductCode: legacy, Attempt: 1, Times: 2, Refuse: "ThrottlingException", RefuseMessage: "Slow down"}}
	if diff := cmp.Diff(want, w.faults.List()); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if _, hit := w.faults.Match(&call); !hit {
		t.Error("the fault that was armed again does not fire")
	}
	w.post("/world/faults/flt-1/arm", url.Values{}).is(t, http.StatusNotFound, "armed again under another number")
	w.post("/world/faults/flt-1/remove", url.Values{}).is(t, http.StatusNotFound)
	w.post("/world/faults/flt-2/remove", url.Values{}).is(t, http.StatusSeeOther)
	if !w.faults.Empty() {
		t.Errorf("rules: %v", w.faults.List())
	}
}

func TestFaultFormsBecomeRules(t *testing.T) {
	for name, test := range map[string]struct {
		form url.Values
		want fault.Rule
		text string
	}{
		"delay":       {url.Values{"effect": {"delay"}, "delay": {"250ms"}, "when": {"nth"}, "number": {"3"}}, fault.Rule{Delay: 250 * time.Millisecond, Nth: 3}, "The call is held for 250ms"},
		"cut late":    {url.Values{"effect": {"cut"}, "delay": {"1s"}, "when": {"every"}, "number": {"10"}}, fault.Rule{Cut: true, Delay: time.Second, EveryN: 10}, "is held for 1s, then is cut off"},
		"lose":        {url.Values{"effect": {"lose"}, "when": {"chance"}, "number": {"12.5"}}, fault.Rule{Lose: true, Probability: .125}, "12.5 % of the time"},
		"unprocessed": {url.Values{"effect": {"unprocessed"}, "unprocessed": {"2"}, "when": {"always"}}, fault.Rule{Unprocessed: 2}, "leaves 2 records unprocessed"},
		"code stays":  {url.Values{"effect": {"cut"}, "code": {"ThrottlingException"}, "when": {"always"}}, fault.Rule{Cut: true}, "is cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			w := peopled(t)
			w.post("/world/faults", test.form).is(t, http.StatusSeeOther)
			w.get("/world/faults").is(t, http.StatusOK, test.text)
			test.want.ID = "flt-1"
			if diff := cmp.Diff([]fault.Rule{test.want}, w.faults.List()); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadyMadeFaultsAreArmed(t *testing.T) {
	w := peopled(t)
	forms := regexp.MustCompile(`(?s)<li class="card ready">.*?</li>`).FindAllString(w.get("/world/faults").body, -1)
	if len(forms) < 4 {
		t.Fatalf("%d ready-made faults", len(forms))
	}
	for i, form := range forms {
		w.post("/world/faults", page{body: form}.hiddenFields()).is(t, http.StatusSeeOther)
		if got := len(w.faults.List()); got != i+1 {
			t.Fatalf("%d rules after %d ready-made ones", got, i+1)
		}
	}
	w.post("/world/faults/clear", url.Values{}).is(t, http.StatusSeeOther)
	if !w.faults.Empty() {
		t.Error("faults are left")
	}
}

func TestFaultsThatAreNotAdded(t *testing.T) {
	w := peopled(t)
	for name, test := range map[string]struct {
		form url.Values
		text string
	}{
		"nothing":        {url.Values{}, "Choose what happens."},
		"no code":        {url.Values{"effect": {"refuse"}, "when": {"always"}}, "Say which error"},
		"no delay":       {url.Values{"effect": {"delay"}, "when": {"always"}}, "Say how long"},
		"bad delay":      {url.Values{"effect": {"delay"}, "delay": {"soon"}, "when": {"always"}}, "must be a span of time"},
		"negative delay": {url.Values{"effect": {"delay"}, "delay": {"-1s"}, "when": {"always"}}, "must be a span of time"},
		"long delay":     {url.Values{"effect": {"delay"}, "delay": {"24h"}, "when": {"always"}}, "Delay must be from 0s to 10m0s."},
		"none left over": {url.Values{"effect": {"unprocessed"}, "when": {"always"}}, "Say how many records"},
		"no batch":       {url.Values{"effect": {"unprocessed"}, "unprocessed": {"1"}, "operation": {"MeterUsage"}, "when": {"always"}}, "MeterUsage has no batch of records"},
		"bad caller":     {url.Values{"effect": {"cut"}, "principal": {"me"}, "when": {"always"}}, "must be an account of twelve digits"},
		"no when":        {url.Values{"effect": {"cut"}}, "Choose when it happens."},
		"no number":      {url.Values{"effect": {"cut"}, "when": {"nth"}}, "Say which calls"},
		"bad number":     {url.Values{"effect": {"cut"}, "when": {"every"}, "number": {"1.5"}}, "must be a whole number"},
		"bad chance":     {url.Values{"effect": {"cut"}, "when": {"chance"}, "number": {"NaN"}}, "must be a percentage"},
		"bad times":      {url.Values{"effect": {"cut"}, "when": {"always"}, "times": {"-1"}}, "“At most so often” must be a whole number."},
	} {
		t.Run(name, func(t *testing.T) {
			w.post("/world/faults", test.form).is(t, http.StatusUnprocessableEntity, test.text)
		})
	}
	p := w.post("/world/faults", url.Values{"effect": {"lose"}, "product": {"kept"}, "when": {"chance"}, "number": {"500"}})
	for _, want := range []string{`value="lose" checked`, `value="kept"`, `value="chance" selected`, `value="500"`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the form that was refused is not shown again as it was sent: no %s", want)
		}
	}
	if !w.faults.Empty() {
		t.Errorf("rules: %v", w.faults.List())
	}
}

func TestAFullSetOfFaults(t *testing.T) {
	w := peopled(t)
	for i := range fault.MaxRules {
		if _, err := w.faults.Add(fault.Rule{Cut: true, ProductCode: fmt.Sprint("p", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if p := w.get("/world/faults").is(t, http.StatusOK, "900 older ones", "flt-1000"); len(p.body) > 100_000 {
		t.Errorf("the page has %d bytes", len(p.body))
	}
	w.post("/world/faults", url.Values{"effect": {"cut"}, "when": {"always"}}).is(t, http.StatusConflict, "as many faults as there can be")
	w.post("/world/faults/flt-7/arm", url.Values{}).is(t, http.StatusConflict, "as many faults as there can be")
	if rules := w.faults.List(); len(rules) != fault.MaxRules || rules[6].ID != "flt-7" {
		t.Errorf("%d rules, the seventh %s: something changed", len(rules), rules[6].ID)
	}
}
