package market_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
)

// node is one of several Services over one store.
type node struct {
	*market.Service
	directory *account.Directory
}

// nodes are Services over the store of a fixture, which has the world.
func nodes(t *testing.T, f *fixture, n int) (list []node) {
	t.Helper()
	for range n {
		dir := new(account.Directory)
		s, err := market.Open(ctx, market.Config{
			Store: f.store, Directory: dir, Ring: new(keyring.Ring), Rand: rand.Reader, Regions: market.AWSRegions(), Shared: true,
			Now: func() time.Time { return f.now },
		})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, node{s, dir})
	}
	return list
}

func (n node) catchUp(t *testing.T) (house bool) {
	t.Helper()
	house, err := n.CatchUp(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return house
}

// meters is the status of a record of the buyer, and of the whole call where that is refused.
func (n node) meters(t *testing.T, f *fixture, dimension string) string {
	t.Helper()
	var out market.BatchOutput
	err := n.BatchMeterUsage(ctx, caller(seller), &market.BatchInput{ProductCode: []byte(legacy), Records: []market.UsageInput{
		{CustomerAWSAccountID: []byte(buyer), Dimension: []byte(dimension), Timestamp: f.now, Quantity: 1},
	}}, &out)
	if err != nil {
		return string(market.CodeOf(err))
	}
	return string(out.Results[0].Status)
}

func TestCatchUp(t *testing.T) {
	f := open(t)
	list := nodes(t, f, 2)
	here, there := list[0], list[1]
	w := world()
	w.Products[0].Dimensions = []market.Dimension{{Key: "d", Kind: market.Metered}}
	if _, err := here.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	p, err := here.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
	if err != nil {
		t.Fatal(err)
	}
	there.catchUp(t)
	if got := there.meters(t, f, "d"); got != "Success" {
		t.Fatalf("metered: %s", got)
	}

	t.Run("agreements", func(t *testing.T) {
		if _, err := here.Suspend(ctx, op, p.Agreement.ID); err != nil {
			t.Fatal(err)
		}
		if got := there.meters(t, f, "d"); got != "Success" {
			t.Errorf("this test needs a node that has not heard of it: %s", got)
		}
		there.catchUp(t)
		if got := there.meters(t, f, "d"); got != "CustomerNotSubscribed" {
			t.Errorf("after a suspension: %s", got)
		}
		if _, err := here.Reinstate(ctx, op, p.Agreement.ID); err != nil {
			t.Fatal(err)
		}
		there.catchUp(t)
		if got := there.meters(t, f, "d"); got != "Success" {
			t.Errorf("after its end: %s", got)
		}
	})
	t.Run("more of them than are read one by one", func(t *testing.T) {
		if err := here.suspendAnd(p.Agreement.ID, 1100); err != nil {
			t.Fatal(err)
		}
		there.catchUp(t)
		if got := there.meters(t, f, "d"); got != "CustomerNotSubscribed" {
			t.Errorf("%s", got)
		}
		if _, err := here.Reinstate(ctx, op, p.Agreement.ID); err != nil {
			t.Fatal(err)
		}
		there.catchUp(t)
	})
	t.Run("products", func(t *testing.T) {
		w := world()
		w.Products[0].Dimensions = []market.Dimension{{Key: "d", Kind: market.Metered}, {Key: "new", Kind: market.Metered}}
		if _, err := here.ApplyWorld(ctx, op, w); err != nil {
			t.Fatal(err)
		}
		if got := there.meters(t, f, "new"); got != "InvalidDimension" {
			t.Errorf("this test needs a node that has not heard of it: %s", got)
		}
		there.catchUp(t)
		if got := there.meters(t, f, "new"); got != "Success" {
			t.Errorf("a dimension that is new: %s", got)
		}
	})
	t.Run("the directory", func(t *testing.T) {
		w := market.World{Directory: account.State{Accounts: []account.Account{{ID: "444444444444", Name: "New"}}}}
		if _, err := here.ApplyWorld(ctx, op, w); err != nil {
			t.Fatal(err)
		}
		if _, ok := there.directory.Account("444444444444"); ok {
			t.Error("this test needs a node that has not heard of it")
		}
		if house := there.catchUp(t); house {
			t.Error("an account is none of the house's business")
		}
		if _, ok := there.directory.Account("444444444444"); !ok {
			t.Error("the account is not there")
		}
	})
	t.Run("the house", func(t *testing.T) {
		if err := here.PutSetting(ctx, op, "name", "value"); err != nil {
			t.Fatal(err)
		}
		if !there.catchUp(t) {
			t.Error("a setting was changed")
		}
		if there.catchUp(t) {
			t.Error("nothing was")
		}
	})
	if d := there.Behind(); d < 0 || d > time.Minute {
		t.Errorf("behind: %s", d)
	}
}

// suspendAnd suspends an agreement after so many lines of history elsewhere.
func (n node) suspendAnd(id string, lines int) error {
	if _, err := n.Suspend(ctx, op, id); err != nil {
		return err
	}
	other, err := n.Buy(ctx, op, market.PurchaseInput{ProductCode: concurrent, Buyer: second})
	if err != nil {
		return err
	}
	for range lines / 2 {
		if _, err := n.Suspend(ctx, op, other.Agreement.ID); err != nil {
			return err
		}
		if _, err := n.Reinstate(ctx, op, other.Agreement.ID); err != nil {
			return err
		}
	}
	return nil
}

// A token under a key that another node has made resolves without waiting for anything; and tokens that somebody made up cost a bounded number of looks.
func TestUnknownKey(t *testing.T) {
	f := open(t)
	list := nodes(t, f, 2)
	for range 3 {
		if _, err := list[0].RotateTokenKey(ctx, op); err != nil {
			t.Fatal(err)
		}
		p, err := list[0].Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := list[1].ResolveCustomer(ctx, caller(seller), []byte(p.Token)); err != nil || r.CustomerAWSAccountID != buyer {
			t.Errorf("%+v, %v", r, err)
		}
	}
	const calls = 10
	begun := time.Now()
	for i := range calls {
		made := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%0138d", i))
		if _, err := list[1].ResolveCustomer(ctx, caller(seller), []byte(made)); market.CodeOf(err) != market.InvalidToken {
			t.Errorf("a token that was made up: %v", err)
		}
	}
	if d := time.Since(begun); d < (calls-1)*20*time.Millisecond {
		t.Errorf("%d looks at the store in %s: anybody can have it look", calls, d)
	}
}
