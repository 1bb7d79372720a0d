package sdk

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/test/process"
)

// Products and accounts of testdata/market.yaml.
const (
	usageProduct    = "sdktests0usage0legacy0000"
	contractProduct = "sdktests0contract0legacy0"
	vaultProduct    = "sdktests0vault0concurrent"
	othersProduct   = "sdktests0other0seller0000"

	anyCompany    = "222233334444" // buys; its workloads meter
	exampleCorp   = "777788889999" // buys
	neverBought   = "100000000001"
	toBeSuspended = "100000000002"
	holdsMany     = "100000000003"
	holdsNothing  = "100000000004"
)

// stage is what cases of metering and entitlements find: testdata/market.yaml, and agreements that are half a day old. The market's clock stands
// still, at half past noon in the middle of a month, so that neither an hour nor a month ends in between.
type stage struct {
	now    time.Time
	usage  process.Purchase   // of usageProduct, by anyCompany
	vault  process.Purchase   // of vaultProduct, by anyCompany
	bulk   process.Purchase   // another of vaultProduct, by anyCompany
	others process.Purchase   // of othersProduct, by anyCompany
	many   []process.Purchase // of vaultProduct, by holdsMany: see rig.many
	slots  int
}

// age is how old the stage's agreements are.
const age = 12 * time.Hour

// set sets the stage.
func (r *rig) set() {
	r.t.Helper()
	file, err := os.ReadFile(here("testdata", "market.yaml"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.control(http.MethodPut, "/api/v1/world", file, nil)
	y, m, _ := time.Now().UTC().Date()
	r.stage = &stage{now: time.Date(y, m+2, 15, 0, 30, 0, 0, time.UTC)}
	r.control(http.MethodPost, "/api/v1/clock/freeze", nil, nil)
	r.control(http.MethodPost, "/api/v1/clock/set", map[string]any{"to": r.stage.now}, nil)
	r.stage.usage = r.purchase(usageProduct, anyCompany, nil)
	r.stage.vault = r.purchase(vaultProduct, anyCompany, nil)
	r.stage.bulk = r.purchase(vaultProduct, anyCompany, nil)
	r.stage.others = r.purchase(othersProduct, anyCompany, nil)
	r.pass(age)
}

// pass lets market time pass.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	r.advance(d.String())
	r.stage.now = r.stage.now.Add(d)
}

// purchase buys a product now.
func (r *rig) purchase(product, buyer string, entitlements members) (p process.Purchase) {
	r.t.Helper()
	in := map[string]any{"product_code": product, "buyer": buyer}
	if entitlements != nil {
		in["entitlements"] = entitlements
	}
	r.control(http.MethodPost, "/api/v1/purchases", in, &p)
	return p
}

// agreement does something to an agreement: suspend, cancel, ….
func (r *rig) agreement(p process.Purchase, what string) {
	r.t.Helper()
	r.control(http.MethodPost, "/api/v1/agreements/"+p.AgreementID+"/"+what, nil, nil)
}

// slot is a dimension of usageProduct and a time, no two of which are in the same hour.
func (r *rig) slot() (dimension string, t time.Time) {
	n := r.stage.slots
	r.stage.slots++
	dimensions := [...]string{"users", "requests", "gigabytes", "hours"}
	hours := n / len(dimensions)
	if hours >= int(age/time.Hour) {
		r.t.Fatal("the stage's agreements are too young for so many cases")
	}
	return dimensions[n%len(dimensions)], r.stage.now.Add(-time.Duration(hours)*time.Hour - 17*time.Minute + 345*time.Millisecond)
}

// record is one of anyCompany's usage by product code, in a slot of its own.
func (r *rig) record(quantity int) members {
	dimension, t := r.slot()
	return members{"CustomerAWSAccountId": anyCompany, "Dimension": dimension, "Timestamp": at(t), "Quantity": quantity}
}

// licensed is a record of usage by a license.
func (r *rig) licensed(p process.Purchase, quantity int) members {
	return members{"LicenseArn": p.LicenseARN, "CustomerAWSAccountId": p.CustomerAWSAccountID, "Dimension": "gigabytes",
		"Timestamp": at(r.stage.now.Add(-17 * time.Minute)), "Quantity": quantity}
}

// usage is a call of BatchMeterUsage by product code.
func (r *rig) usage(records ...members) apiCall {
	return r.batch(records...).with("ProductCode", usageProduct)
}

// ledgerEntry is a usage record as the control API tells it.
type ledgerEntry struct {
	RecordID    string             `json:"record_id"`
	Hour        time.Time          `json:"hour"`
	Timestamp   time.Time          `json:"timestamp"`
	Region      string             `json:"region"`
	ProductCode string             `json:"product_code"`
	Buyer       string             `json:"buyer"`
	LicenseARN  string             `json:"license_arn"`
	Dimension   string             `json:"dimension"`
	Resource    string             `json:"resource"`
	Quantity    int64              `json:"quantity"`
	Allocations []ledgerAllocation `json:"allocations"`
}

type ledgerAllocation struct {
	Quantity int64 `json:"quantity"`
	Tags     []struct{ Key, Value string }
}

// ledger is the usage of a buyer, in the order of the hours; filter adds to what it is narrowed to.
func (r *rig) ledger(product, buyer string, filter ...string) (list []ledgerEntry) {
	r.t.Helper()
	q := url.Values{"product": {product}, "buyer": {buyer}, "limit": {"1000"}}
	for i := 0; i < len(filter); i += 2 {
		q.Set(filter[i], filter[i+1])
	}
	var page struct{ Records []ledgerEntry }
	r.control(http.MethodGet, "/api/v1/usage?"+q.Encode(), nil, &page)
	return page.Records
}

// kept is the one record of the ledger that a record of BatchMeterUsage stands for.
func (r *rig) kept(product string, record members) ledgerEntry {
	r.t.Helper()
	t, err := time.Parse(time.RFC3339Nano, record["Timestamp"].(members)["$time"].(string))
	if err != nil {
		r.t.Fatal(err)
	}
	hour := t.Truncate(time.Hour)
	filter := []string{"dimension", record["Dimension"].(string), "from", hour.Format(time.RFC3339), "to", hour.Add(time.Hour).Format(time.RFC3339)}
	if license, ok := record["LicenseArn"].(string); ok {
		filter = append(filter, "license", license)
	}
	list := r.ledger(product, anyCompany, filter...)
	if len(list) != 1 {
		r.t.Fatalf("the ledger has %d records of that hour, want one: %+v", len(list), list)
	}
	return list[0]
}

// want of one record.
type recordResult struct {
	record members
	status string
	id     string // "": any; noID: none
}

const noID = "-"

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// expectBatch checks the answer of a call of BatchMeterUsage, which echoes all records as they were sent, and returns the ids.
func (r *rig) expectBatch(x exchange, i int, unprocessed []members, results ...recordResult) (ids []string) {
	r.t.Helper()
	got := r.output(x, i)
	if body := r.whole(x.wire[len(x.wire)-len(x.replies)+i]).Response; !strings.Contains(body, `"Results":[`) || !strings.Contains(body, `"UnprocessedRecords":[`) {
		r.t.Errorf("the answer does not have both lists: %s", body)
	}
	list, _ := got["Results"].([]any)
	want := members{"Results": []any{}, "UnprocessedRecords": r.echoed(unprocessed)}
	for n, res := range results {
		one := members{"UsageRecord": r.echoed(res.record), "Status": res.status}
		id := ""
		if n < len(list) {
			id, _ = list[n].(members)["MeteringRecordId"].(string)
		}
		switch {
		case res.id == noID:
		case res.id != "":
			one["MeteringRecordId"] = res.id
		case !uuid.MatchString(id):
			r.t.Errorf("record %d has the id %q, want a UUID", n, id)
			fallthrough
		default:
			one["MeteringRecordId"] = id
		}
		ids = append(ids, id)
		want["Results"] = append(want["Results"].([]any), one)
	}
	if diff := cmp.Diff(r.seen(want), any(got)); diff != "" {
		r.t.Errorf("answer (-want +got):\n%s\non the wire: %s", diff, explained(x.wire))
	}
	return ids
}

// seen is an answer as programs see it.
func (r *rig) seen(answer members) any {
	out := tree(answer).(members)
	for name, v := range out {
		if list, ok := v.([]any); ok && len(list) == 0 && r.lang.noEmptyLists {
			delete(out, name)
		}
	}
	return out
}

// echoed is a part of an input as it comes back: with its times as precise as the client sent them.
func (r *rig) echoed(v any) any {
	if list, ok := v.([]members); ok && len(list) == 0 {
		return []any{}
	}
	return written(v, r.sent)
}

// sent is a time as the client sends it.
func (r *rig) sent(t time.Time) time.Time {
	if r.lang.seconds {
		return t.Truncate(time.Second)
	}
	return t.Truncate(time.Millisecond)
}

// again is a record of an answer, or a part of one, as a program would send it again.
func again(part any) any {
	switch v := part.(type) {
	case float64:
		return int(v)
	case []any:
		var out []members
		for _, e := range v {
			out = append(out, again(e).(members))
		}
		return out
	case members:
		out := members{}
		for name, e := range v {
			if out[name] = again(e); isTime(name) {
				out[name] = members{"$time": e}
			}
		}
		return out
	}
	return part
}

// seconds is a time as JSON has it on the wire.
func (r *rig) seconds(t time.Time) string {
	return strconv.FormatFloat(float64(r.sent(t).UnixMilli())/1000, 'f', -1, 64)
}
