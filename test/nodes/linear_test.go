package nodes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/souk-market/souk/internal/pgtest"
)

// metered is one act on a record's identity.
type metered struct {
	identity string
	quantity int
}

// outcome is what became of it. Of a call without an answer nobody knows.
type outcome struct {
	result
	unknown bool
}

// held is what is kept of an identity: nothing as long as id is "".
type held struct {
	quantity int
	id       string
}

// firstWins is BatchMeterUsage's rule, one identity at a time: the first is kept; who sends the same again gets its id, who sends another quantity is told so.
var firstWins = porcupine.Model{
	Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		by := map[string]int{}
		for _, op := range history {
			key := op.Input.(metered).identity
			if _, ok := by[key]; !ok {
				by[key] = len(parts)
				parts = append(parts, nil)
			}
			parts[by[key]] = append(parts[by[key]], op)
		}
		return parts
	},
	Init: func() any { return held{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(held), input.(metered), output.(outcome)
		if s.id == "" {
			switch {
			case out.unknown: // its id is not known either
				return true, held{in.quantity, "?"}
			case out.status == "Success":
				return true, held{in.quantity, out.id}
			}
			return false, s
		}
		switch {
		case out.unknown:
			return true, s
		case s.quantity != in.quantity:
			return out.status == "DuplicateRecord", s
		case s.id == "?": // and here it is learned
			return out.status == "Success", held{s.quantity, out.id}
		}
		return out.status == "Success" && out.id == s.id, s
	},
	Equal: func(a, b any) bool { return a.(held) == b.(held) },
}

// What many clients see of three nodes at once, with connections to the database cut under them, is what they could have seen of one that takes them one by one.
func TestLinearizability(t *testing.T) {
	server := pgtest.Shared(t)
	c := start(t, server, 3, "--simulation")
	c.buy(0, analytics, anyCompany)
	c.control(0, http.MethodPost, "/api/v1/clock/advance", map[string]string{"by": "23h"}, nil)
	for node := range c.nodes {
		c.within("the clock", func() bool { return c.clock(node).Sub(c.clock(0)).Abs() < time.Minute })
	}
	now := c.clock(0)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)

	stopCutting := c.cutConnections(150 * time.Millisecond)
	const clients, each = 12, 120
	begun := time.Now()
	histories := make([][]porcupine.Operation, clients)
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(client)))
			for n := range each {
				hour := n/(each/20) + random.IntN(3) // all are about at the same identities at the same time
				dimension := []string{"admin_users", "queries"}[random.IntN(2)]
				in := metered{fmt.Sprint(dimension, " ", hour), 1 + random.IntN(2)}
				op := porcupine.Operation{ClientId: client, Input: in, Call: int64(time.Since(begun))}
				a, err := call(t.Context(), c.nodes[random.IntN(3)], sellerKey, "BatchMeterUsage", batch(anyCompany, dimension, now.Add(-time.Duration(hour)*time.Hour), in.quantity))
				op.Return = int64(time.Since(begun))
				switch {
				case err == nil && a.Status == http.StatusOK:
					op.Output = outcome{result: results(t, a)[0]}
				case err != nil || a.Status >= 500:
					op.Output, op.Return = outcome{unknown: true}, math.MaxInt64 // it may still come to pass
				default:
					t.Errorf("%d %v", a.Status, a.Body)
					return
				}
				histories[client] = append(histories[client], op)
			}
		})
	}
	wg.Wait()
	stopCutting()
	var history []porcupine.Operation
	unknown := 0
	for _, h := range histories {
		for _, op := range h {
			if op.Output.(outcome).unknown {
				unknown++
			}
		}
		history = append(history, h...)
	}
	if len(history) != clients*each {
		t.Fatalf("%d operations of %d", len(history), clients*each)
	}
	if result := porcupine.CheckOperationsTimeout(firstWins, history, time.Minute); result != porcupine.Ok {
		t.Errorf("the history of %d operations is not linearizable: %s", len(history), result)
	}
	t.Logf("%d operations, %d of them without an answer", len(history), unknown)

	// And the judge judges: one answer altered, and it sees it.
	for i, op := range history {
		if out := op.Output.(outcome); out.status == "Success" {
			out.id = "another"
			history[i].Output = out
			break
		}
	}
	if result := porcupine.CheckOperationsTimeout(firstWins, history, time.Minute); result != porcupine.Illegal {
		t.Errorf("a history with an answer altered: %s", result)
	}
}
