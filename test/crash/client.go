package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/sigv4"
)

// client is one of those who use the market at the same time, one request after the other.
type client struct {
	*site
	dice *rand.Rand
	http *http.Client
	pace time.Duration // how long it rests at most between two requests
	only *node         // nil: any
}

func newClient(s *site, seed uint64, number int, pace time.Duration) *client {
	return &client{
		site: s, dice: rand.New(rand.NewPCG(seed, uint64(number)+1)), pace: pace,
		http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}},
	}
}

// work uses the market until told to stop.
func (c *client) work(ctx context.Context, stop *atomic.Bool) {
	defer c.http.CloseIdleConnections()
	for !stop.Load() && ctx.Err() == nil {
		switch p := c.dice.IntN(100); {
		case p < 45:
			c.meter(ctx, c.fresh(c.size()))
		case p < 62:
			c.meter(ctx, c.mixed())
		case p < 68:
			c.meter(ctx, c.takeLost())
		case p < 76:
			c.meterWrongly(ctx)
		case p < 86:
			c.meterOwn(ctx)
		case p < 94:
			c.buy(ctx)
		default:
			c.resolve(ctx)
		}
		time.Sleep(time.Duration(c.dice.Int64N(int64(c.pace))))
	}
}

// size is how many records a request has: few, but now and then as many as it may.
func (c *client) size() int {
	if c.dice.IntN(10) == 0 {
		return 25
	}
	return 1 + c.dice.IntN(6)
}

func (c *client) fresh(n int) []attempt { return c.attempts(c.stream.take(n)) }

func (c *client) attempts(ids []identity) []attempt {
	list := make([]attempt, 0, len(ids))
	for _, id := range ids {
		list = append(list, attempt{id, c.dice.Int64N(1000)})
	}
	return list
}

// mixed are new records, and some that are known, or on their way with another client just now: as they were, and in another quantity.
func (c *client) mixed() []attempt {
	list := c.fresh(1 + c.dice.IntN(3))
	for range 1 + c.dice.IntN(5) {
		a, ok := c.again(c.dice, false)
		if !ok {
			break
		}
		if c.dice.IntN(3) == 0 {
			a.quantity++
		}
		list = append(list, a)
	}
	if len(list) > 0 && c.dice.IntN(4) == 0 { // one twice in a request
		a := list[0]
		a.quantity += c.dice.Int64N(2)
		list = append(list, a)
	}
	c.dice.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
	return list
}

// usageRecord is a record of BatchMeterUsage on the wire.
type usageRecord struct {
	Timestamp            int64
	CustomerAWSAccountID string `json:"CustomerAWSAccountId"`
	Dimension            string
	Quantity             int64
}

// wire writes attempts as they are sent: each at some second of its hour.
func (c *client) wire(list []attempt) []usageRecord {
	out := make([]usageRecord, len(list))
	for i, a := range list {
		out[i] = usageRecord{a.hour*3600 + c.dice.Int64N(3600), a.buyer, a.dimension, a.quantity}
	}
	return out
}

func (c *client) batch(ctx context.Context, records []usageRecord) answer {
	body, _ := json.Marshal(map[string]any{"ProductCode": metered, "UsageRecords": records}) // of such types it does not fail
	return c.aws(ctx, "BatchMeterUsage", sigv4.Key{AccessKeyID: sellerKey, Secret: sellerSecret}, body)
}

// aws calls any node. A request that cannot be made was not sent.
func (c *client) aws(ctx context.Context, operation string, key sigv4.Key, body []byte) answer {
	r, err := aws(ctx, c.node(), operation, key, body)
	if err != nil {
		return answer{fate: unsent}
	}
	return c.send(r)
}

// node is the one that is asked next.
func (c *client) node() *node {
	if c.only != nil {
		return c.only
	}
	return c.any(c.dice)
}

// send makes a request, and notes what kind of answer it had, and when.
func (c *client) send(r *http.Request) answer {
	begun := time.Now()
	a := send(c.http, r)
	c.journal.answered(a, time.Since(begun))
	return a
}

// meter sends records that the market has to take, or knows, and answers how many it acknowledged.
func (c *client) meter(ctx context.Context, list []attempt) (acknowledged int) {
	if len(list) == 0 {
		return 0
	}
	c.journal.begin(list)
	c.remember(list)
	a := c.batch(ctx, c.wire(list))
	var out struct {
		Results []struct{ MeteringRecordID, Status string }
	}
	if a.fate == done && json.Unmarshal(a.body, &out) != nil {
		c.journal.complain("BatchMeterUsage answered %q", a.body)
		a.fate = unknown
	}
	if !c.settle(a, list, "") {
		return 0
	}
	for i, at := range list {
		if i >= len(out.Results) { // it is among the unprocessed
			c.journal.refuse(at)
			continue
		}
		switch r := out.Results[i]; r.Status {
		case "Success":
			c.journal.acknowledged(at, r.MeteringRecordID)
			acknowledged++
		case "DuplicateRecord":
			c.journal.duplicate(at, r.MeteringRecordID)
		default:
			c.journal.complain("%+v is %q, for a customer who has subscribed", at, r.Status)
			c.journal.refuse(at)
		}
	}
	return acknowledged
}

// settle notes what becomes of attempts whose answer is for them all, and reports whether there is more to read in it. A refusal is a fault unless it
// has the code that is wanted, or sheds load.
func (c *client) settle(a answer, list []attempt, want string) (more bool) {
	switch a.fate {
	case unsent:
		c.journal.withdraw(list...)
	case unknown:
		c.journal.lose(list...)
		c.keepLost(list)
	case refused:
		c.journal.refuse(list...)
		if a.code != want && a.code != "ThrottlingException" {
			c.journal.complain("%+v: refused with %q, %s", list, a.code, a.body)
		}
	default:
		return true
	}
	return false
}

// meterWrongly sends records that nothing may be kept of, though most of them are as they should be.
func (c *client) meterWrongly(ctx context.Context) {
	list := c.fresh(1 + c.dice.IntN(4))
	if len(list) == 0 {
		return
	}
	records := c.wire(list)
	var want string
	wrong := &records[c.dice.IntN(len(records))]
	switch c.dice.IntN(3) {
	case 0:
		wrong.Dimension, want = "none", "InvalidUsageDimensionException"
	case 1:
		wrong.Timestamp, want = wrong.Timestamp-3*24*3600, "TimestampOutOfBoundsException"
	default: // a request that is taken, for one who is not a customer
		for i := range list {
			list[i].buyer, records[i].CustomerAWSAccountID = stranger, stranger
		}
	}
	c.journal.begin(list)
	a := c.batch(ctx, records)
	if a.fate == unknown { // whatever the answer would have been, nothing may be there
		c.journal.refuse(list...)
		return
	}
	if !c.settle(a, list, want) {
		return
	}
	if got := bytes.Count(a.body, []byte(`"CustomerNotSubscribed"`)); want != "" || got != len(list) {
		c.journal.complain("%+v was to be refused, %s: %s", list, want, a.body)
	}
	c.journal.refuse(list...)
}

// meterOwn is MeterUsage, from an agent that meters at will: the same client token is the same record.
func (c *client) meterOwn(ctx context.Context) {
	a, ok := c.again(c.dice, true)
	if !ok || c.dice.IntN(2) == 0 {
		list := c.fresh(1) // of a customer, whose hour it takes
		if len(list) == 0 {
			return
		}
		a = list[0]
		a.buyer, a.token = workload, fmt.Sprintf("%016x", c.dice.Uint64())
	} else if c.dice.IntN(3) == 0 {
		a.quantity++
	}
	list := []attempt{a}
	c.journal.begin(list)
	c.remember(list)
	body, _ := json.Marshal(map[string]any{
		"ProductCode": metered, "Timestamp": a.hour * 3600, "UsageDimension": a.dimension, "UsageQuantity": a.quantity, "ClientToken": a.token,
	})
	got := c.aws(ctx, "MeterUsage", c.agent, body)
	if !c.settle(got, list, "IdempotencyConflictException") {
		return
	}
	var out struct{ MeteringRecordID string }
	if json.Unmarshal(got.body, &out) != nil {
		c.journal.complain("MeterUsage answered %q", got.body)
	}
	c.journal.acknowledged(a, out.MeteringRecordID)
}

// buy makes a purchase, now and then one that is refused.
func (c *client) buy(ctx context.Context) {
	buyer := purchaser(c.dice.IntN(purchasers))
	if c.dice.IntN(8) == 0 {
		buyer = nobody
	}
	end := c.journal.purchase(buyer)
	body, _ := json.Marshal(map[string]string{"product_code": sold, "buyer": buyer})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.node().Control+"/api/v1/purchases", bytes.NewReader(body))
	if err != nil {
		end("", true)
		return
	}
	r.Header.Set("Content-Type", "application/json")
	a := c.send(r)
	switch a.fate {
	case unsent:
		end("", true)
		return
	case unknown:
		end("", false)
		return
	case refused:
		end("", true)
		if buyer != nobody || a.code != "NotFound" {
			c.journal.complain("purchase of %s: refused with %q, %s", buyer, a.code, a.body)
		}
		return
	}
	var p sale
	if json.Unmarshal(a.body, &p) != nil || p.AgreementID == "" || buyer == nobody {
		c.journal.complain("purchase of %s answered %q", buyer, a.body)
		end("", false)
		return
	}
	end(p.AgreementID, false)
	c.keepSale(p)
}

// resolve redeems the token of an earlier purchase: it is good across every kill.
func (c *client) resolve(ctx context.Context) {
	p, ok := c.sale(c.dice)
	if !ok {
		return
	}
	body, _ := json.Marshal(map[string]string{"RegistrationToken": p.RegistrationToken})
	a := c.aws(ctx, "ResolveCustomer", sigv4.Key{AccessKeyID: sellerKey, Secret: sellerSecret}, body)
	if a.fate == unsent || a.fate == unknown {
		return
	}
	var out struct{ LicenseArn, CustomerAWSAccountId string }
	if json.Unmarshal(a.body, &out) != nil || out.LicenseArn != p.LicenseARN || out.CustomerAWSAccountId != p.CustomerAWSAccountID {
		c.journal.complain("the token of agreement %s resolves to %s", p.AgreementID, a.body)
	}
}
