package reqlog

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Filters go by what is shown: nothing that is withheld can be found out by trying.
func TestScope(t *testing.T) {
	t.Parallel()
	l := New(Config{})
	for _, r := range []Record{
		{ID: "own", Account: "a", ProductCode: "a-product"}, {ID: "of another's", Account: "a", ProductCode: "b-product"},
		{ID: "by another", Account: "b", ProductCode: "a-product"}, {ID: "another's", Account: "b", ProductCode: "b-product"}, {ID: "of nothing", Account: "a"},
		{ID: "unsigned"}, {ID: "unsigned, about a", ProductCode: "a-product"},
	} {
		n := l.Begin()
		*n = r
		n.Principal, n.AccessKeyID, n.Remote, n.Buyer, n.LicenseARN, n.Reason = "principal of "+r.Account, "key of "+r.Account, "remote", "buyer", "license", "the truth"
		n.Body, n.Response, n.ErrorMessage, n.Status, n.Time = []byte("body"), []byte("response"), "message", 200, time.Now()
		l.Commit(n)
	}
	a := &Scope{Account: "a", Sells: func(code string) bool { return code == "a-product" }}
	for name, tt := range map[string]struct {
		filter Filter
		want   []string
	}{
		"all":                     {Filter{}, []string{"unsigned, about a", "of nothing", "by another", "of another's", "own"}},
		"a limit":                 {Filter{Limit: 4}, []string{"unsigned, about a", "of nothing", "by another", "of another's"}},
		"its principal":           {Filter{Principal: "key of a"}, []string{"of nothing", "of another's", "own"}},
		"another's principal":     {Filter{Principal: "of b"}, nil},
		"another's key":           {Filter{Principal: "key of b"}, nil},
		"its product":             {Filter{Product: "a-product"}, []string{"unsigned, about a", "by another", "own"}},
		"another's product":       {Filter{Product: "b-product"}, nil},
		"before what it sees not": {Filter{Before: 4}, []string{"by another", "of another's", "own"}},
	} {
		tt.filter.Scope = a
		var got []string
		for _, v := range l.List(tt.filter) {
			got = append(got, v.ID)
			one, ok := l.GetFor(a, v.ID)
			if !ok || v.Reason != "" || one.Reason != "" {
				t.Errorf("%s: %s: %v, reasons %q and %q", name, v.ID, ok, v.Reason, one.Reason)
			}
			for _, v := range []View{v, one} {
				mine := v.Account == "a"
				if v.Account != "" && !mine || (v.Body != "") != mine || (v.Response != "") != mine || (v.Remote != "") != mine || (v.ErrorMessage != "") != mine || (v.Buyer != "") != (v.ID == "own") {
					t.Errorf("%s shows %+v", v.ID, v)
				}
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, id := range []string{"another's", "unsigned", "nothing"} {
		if v, ok := l.GetFor(a, id); ok {
			t.Errorf("%s is %+v", id, v)
		}
	}
	if v, ok := l.GetFor(&Scope{Sells: func(string) bool { return false }}, "unsigned"); ok { // nobody's account is no account
		t.Errorf("nobody sees %+v", v)
	}
	if got := len(l.List(Filter{})); got != 7 {
		t.Errorf("without a scope there are %d", got)
	}
}
