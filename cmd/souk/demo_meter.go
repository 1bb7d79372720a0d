package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
)

// demoRecord is a usage record as SDKs send it.
type demoRecord struct {
	Timestamp            int64
	Dimension            string
	Quantity             int
	CustomerAWSAccountId string
	LicenseArn           string `json:",omitempty"`
}

// demoBatch is a call of BatchMeterUsage.
type demoBatch struct {
	ProductCode  string `json:",omitempty"`
	UsageRecords []demoRecord
}

// demoResults is its answer.
type demoResults struct {
	Results []struct {
		MeteringRecordId string
		Status           string
	}
}

// meter goes on where the customer is known: the seller meters what it used, until the agreement ends and an hour longer.
func (d *demo) meter(p admin.Purchase, productCode string) error {
	now, err := d.now()
	if err != nil {
		return err
	}
	usage := demoBatch{productCode, []demoRecord{
		{now.Add(-time.Hour).Unix(), "queries", 120, p.CustomerAWSAccountID, ""},
		{now.Add(-time.Hour).Unix(), "admin_users", 3, p.CustomerAWSAccountID, ""},
	}}
	d.say("The seller meters the last hour", "BatchMeterUsage: 120 queries, 3 admin_users")
	first := d.batch(usage)
	d.detail("< %s", first.raw)
	d.statuses(first, "Success", "Success")
	id := first.id(0)

	d.say("The same once more, as after a lost answer", "a resend changes nothing, and has the first record's id")
	again := d.batch(usage)
	d.statuses(again, "Success", "Success")
	d.expect("MeteringRecordId", id, again.id(0))

	d.say("The same hour with another quantity", "the first one stays; nothing is ever added up")
	usage.UsageRecords[0].Quantity = 121
	other := d.batch(usage)
	d.statuses(other, "DuplicateRecord", "Success")
	d.expect("MeteringRecordId", id, other.id(0))

	d.say("Milliseconds where seconds belong", "one such record refuses the whole batch")
	usage.UsageRecords[0].Timestamp = now.UnixMilli()
	d.expect("code", "TimestampOutOfBoundsException", d.batch(usage).code())
	d.why()

	license, err := d.contract()
	if err != nil {
		return err
	}

	d.say("The buyer cancels, and 59 minutes pass", "the final hour takes the last records")
	if _, err := d.control.Cancel(d.ctx, p.AgreementID); err != nil {
		return err
	}
	if _, err := d.control.AdvanceClock(d.ctx, 59*time.Minute); err != nil {
		return err
	}
	last := demoBatch{productCode, []demoRecord{{now.Add(59 * time.Minute).Unix(), "queries", 41, p.CustomerAWSAccountID, ""}}}
	d.statuses(d.batch(last), "Success")

	d.say("Two minutes later the final hour is over", "")
	if _, err := d.control.AdvanceClock(d.ctx, 2*time.Minute); err != nil {
		return err
	}
	last.UsageRecords[0] = demoRecord{now.Add(61 * time.Minute).Unix(), "admin_users", 9, p.CustomerAWSAccountID, ""}
	d.statuses(d.batch(last), "CustomerNotSubscribed")
	d.why()
	d.detail("the other agreement goes on:")
	other = d.batch(demoBatch{"", []demoRecord{{now.Add(61 * time.Minute).Unix(), "gigabytes", 2, p.CustomerAWSAccountID, license}}})
	d.statuses(other, "Success")
	return d.ledger()
}

// contract buys the other sample product, and answers its license.
func (d *demo) contract() (license string, err error) {
	product := d.info.Products[0]
	p, err := d.control.Buy(d.ctx, admin.PurchaseInput{ProductCode: product.ProductCode, Buyer: d.buyer(), Entitlements: admin.Entitlements{"seats": 10}})
	if err != nil {
		return "", err
	}
	d.say("The buyer signs a contract for another product", "10 seats of %q; the seller calls GetEntitlements", product.Title)
	var out struct {
		Entitlements []struct {
			Dimension  string
			LicenseArn string
			Value      struct{ IntegerValue int }
		}
	}
	res := d.call("seller", "AWSMPEntitlementService.GetEntitlements", map[string]any{
		"ProductCode": product.ProductCode, "Filter": map[string][]string{"LICENSE_ARN": {p.LicenseARN}},
	})
	d.detail("< %s", res.raw)
	if err := json.Unmarshal(res.raw, &out); err != nil {
		return "", fmt.Errorf("demo: GetEntitlements answered %q: %w", res.raw, err)
	}
	seats := 0
	for _, e := range out.Entitlements {
		if e.Dimension == "seats" {
			seats = e.Value.IntegerValue
		}
	}
	d.expect("seats", "10", fmt.Sprint(seats))
	now, err := d.now()
	if err != nil {
		return "", err
	}
	d.detail("and meters what goes beyond it, by license:")
	d.statuses(d.batch(demoBatch{"", []demoRecord{{now.Unix(), "gigabytes", 7, d.buyer(), p.LicenseARN}}}), "Success")
	return p.LicenseARN, nil
}

// ledger shows what was kept, and has Souk check it.
func (d *demo) ledger() error {
	sums, err := d.control.SumUsage(d.ctx, admin.UsageQuery{}, []market.UsageField{market.ByBuyer, market.ByDimension})
	if err != nil {
		return err
	}
	d.say("The ledger", "what AWS would bill: `souk usage sum --by buyer,dimension`")
	want := map[string]string{"queries": "161", "admin_users": "3", "gigabytes": "9"}
	for _, s := range sums {
		d.expect("account "+*s.Buyer+", "+*s.Dimension, want[*s.Dimension], fmt.Sprint(s.Quantity))
	}
	d.expect("lines", fmt.Sprint(len(want)), fmt.Sprint(len(sums)))
	report, err := d.control.Check(d.ctx)
	if err != nil {
		return err
	}
	d.expect("`souk check` finds problems", "0", fmt.Sprint(len(report.Problems)))
	return nil
}

// now is the market's time.
func (d *demo) now() (time.Time, error) {
	c, err := d.control.Clock(d.ctx)
	return c.Now, err
}

// batchReply is an answer of BatchMeterUsage.
type batchReply struct {
	*reply
	demoResults
}

func (d *demo) batch(in demoBatch) *batchReply {
	r := &batchReply{reply: d.call("seller", "AWSMPMeteringService.BatchMeterUsage", in)}
	_ = json.Unmarshal(r.raw, &r.demoResults) // an answer that does not parse has no results, which the caller expects
	return r
}

func (r *batchReply) id(i int) string {
	if i >= len(r.Results) {
		return ""
	}
	return r.Results[i].MeteringRecordId
}

// statuses expects those of the records, in order.
func (d *demo) statuses(r *batchReply, want ...string) {
	for i, status := range want {
		got := r.code()
		if i < len(r.Results) {
			got = r.Results[i].Status
		}
		d.expect("Status", status, got)
	}
}
