package nodes

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/pgtest"
)

// batch is a call of BatchMeterUsage with one record of each quantity, all of the same identity.
func batch(buyer, dimension string, at time.Time, quantities ...int) map[string]any {
	var records []map[string]any
	for _, q := range quantities {
		records = append(records, map[string]any{"CustomerAWSAccountId": buyer, "Dimension": dimension, "Quantity": q, "Timestamp": at.Unix()})
	}
	return map[string]any{"ProductCode": analytics, "UsageRecords": records}
}

// result is what became of one record.
type result struct{ status, id string }

func results(t testing.TB, a answer) (list []result) {
	t.Helper()
	all, ok := a.Body["Results"].([]any)
	if !ok || a.Status != 200 {
		t.Fatalf("%d %v", a.Status, a.Body)
	}
	for _, one := range all {
		m := one.(map[string]any)
		id, _ := m["MeteringRecordId"].(string)
		list = append(list, result{m["Status"].(string), id})
	}
	return list
}

func status(t testing.TB, a answer) string {
	t.Helper()
	return results(t, a)[0].status
}

// The same records, sent to all nodes at once by the thousand: one of each identity is kept, and all who sent it are told of the same one.
func TestRaces(t *testing.T) {
	c := start(t, pgtest.Shared(t), 3, "--simulation")
	c.buy(0, analytics, anyCompany)
	const hours = 23
	c.control(0, http.MethodPost, "/api/v1/clock/advance", map[string]string{"by": fmt.Sprint(hours, "h")}, nil)
	for node := range c.nodes {
		c.within("the clock", func() bool { return c.clock(node).Sub(c.clock(0)).Abs() < time.Minute })
	}
	now := c.clock(0)

	const senders, rounds = 6, 8
	dimensions := []string{"admin_users", "queries"}
	const identities = hours * 2
	answers := make([][]result, senders) // by sender: those of identity 0, 1, … of the first round, then of the second
	var wg sync.WaitGroup
	for sender := range senders {
		answers[sender] = make([]result, rounds*identities)
		wg.Go(func() {
			for i := range answers[sender] { // all in the same order, so that they meet
				hour := now.Add(-time.Duration(i%hours) * time.Hour)
				quantity := 1 + (sender+i/identities)%3
				a, err := call(t.Context(), c.nodes[sender%3], sellerKey, "BatchMeterUsage", batch(anyCompany, dimensions[i/hours%2], hour, quantity))
				if err != nil {
					t.Error(err)
					return
				}
				answers[sender][i] = results(t, a)[0]
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	kept := map[int]string{} // id by identity
	refused := 0
	for sender := range senders {
		for i, r := range answers[sender] {
			switch r.status {
			case "Success":
				if kept[i%identities] == "" {
					kept[i%identities] = r.id
				}
				if kept[i%identities] != r.id {
					t.Errorf("identity %d was kept as %s and as %s", i%identities, kept[i%identities], r.id)
				}
			case "DuplicateRecord":
				refused++
			default:
				t.Errorf("identity %d: %s", i%identities, r.status)
			}
		}
	}
	// A third of all carried the quantity that was kept.
	if want := senders * rounds * identities * 2 / 3; refused < want*9/10 || refused > want*11/10 {
		t.Errorf("%d were told of another quantity, want about %d", refused, want)
	}
	var list struct {
		Records []record `json:"records"`
	}
	c.control(1, http.MethodGet, "/api/v1/usage?limit=1000", nil, &list)
	ids := map[string]bool{}
	for _, r := range list.Records {
		ids[r.RecordID] = true
	}
	if len(list.Records) != identities || len(ids) != identities || len(kept) != identities {
		t.Errorf("the ledger has %d records of %d ids, and %d were acknowledged; want %d", len(list.Records), len(ids), len(kept), identities)
	}
	for identity, id := range kept {
		if !ids[id] {
			t.Errorf("identity %d was acknowledged as %s, which is not in the ledger", identity, id)
		}
	}
}

// What falls due happens once, however many nodes see to it.
func TestWhatFallsDueHappensOnce(t *testing.T) {
	c := start(t, pgtest.Shared(t), 3, "--simulation")
	const agreements = 40
	var ids []string
	for i := range agreements {
		ids = append(ids, c.buy(i%3, vaultProduct, c.newBuyer()).AgreementID)
	}
	c.control(1, http.MethodPost, "/api/v1/clock/advance", map[string]string{"by": "9000h"}, nil) // beyond the term of a year, and the final hour
	want := []string{"accepted", "started", "expired", "closed-down"}
	for i, id := range ids {
		var got []string
		c.within("expired", func() bool {
			var list struct {
				Events []event `json:"events"`
			}
			c.control(i%3, http.MethodGet, "/api/v1/agreements/"+id+"/events", nil, &list)
			got = nil
			for _, e := range list.Events {
				got = append(got, strings.ToLower(e.Kind))
			}
			return len(got) >= len(want)
		})
		if !slices.Equal(got, want) {
			t.Errorf("agreement %s: %v, want %v", id, got, want)
		}
	}
}
