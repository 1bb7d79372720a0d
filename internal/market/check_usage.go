package market

import "time"

// usagePage is how many records the check looks at at once.
const usagePage = 5000

// usage checks what was metered: each record is the only one of its identity, inside an agreement, adds up, and says what was acknowledged.
func (k *checker) usage() error {
	agreements, err := k.spans()
	if err != nil {
		return err
	}
	total, err := k.tx.CountUsage(UsageFilter{})
	if err != nil {
		return err
	}
	var hour, walked int64
	seen := map[Series]bool{} // of one hour: records come by the hour
	for after := int64(0); ; {
		list, err := k.tx.Usage(UsageFilter{After: after, Limit: usagePage})
		if err != nil {
			return err
		}
		for i := range list {
			r := &list[i]
			walked++
			if h := r.Position >> 32; h != hour {
				hour = h
				clear(seen)
			}
			if r.Hour() != hour {
				k.problem("usage record "+r.ID.String(), "is kept under the hour of %s, its time is %s", stamp(time.Unix(hour*3600, 0)), stamp(r.Timestamp))
			}
			k.record(r, agreements[standingKey{r.Series.ProductCode, r.Series.Buyer}])
			if seen[r.Series] {
				k.problem("usage record "+r.ID.String(), "is the second of its identity: %s", identity(r))
			}
			seen[r.Series] = true
			after = r.Position
		}
		if len(list) == 0 {
			break
		}
	}
	if walked != total {
		k.problem("usage", "there are %d records, and only %d are of something", total, walked)
	}
	return nil
}

// spans are all agreements by product and buyer.
func (k *checker) spans() (map[standingKey][]Agreement, error) {
	list, err := k.tx.Agreements(AgreementFilter{})
	if err != nil {
		return nil, err
	}
	by := map[standingKey][]Agreement{}
	for _, a := range list {
		key := standingKey{a.ProductCode, a.Buyer}
		by[key] = append(by[key], a)
	}
	return by, nil
}

func (k *checker) record(r *UsageRecord, agreements []Agreement) {
	path := "usage record " + r.ID.String()
	product, ok := k.products[r.Series.ProductCode]
	if !ok {
		k.problem(path, "product %q does not exist", r.Series.ProductCode)
	}
	k.mustExist(path, r.Series.Buyer)
	if r.Quantity < 0 || r.Quantity > maxQuantity {
		k.problem(path, "its quantity is %d", r.Quantity)
	}
	if !r.ID.matches(r) {
		k.problem(path, "what it says is not what was acknowledged under its id: %s, quantity %d", identity(r), r.Quantity)
	}
	if r.Allocations != nil {
		if list, err := r.Allocated(); err != nil {
			k.problem(path, "its allocations cannot be read: %v", err)
		} else if err := checkAllocations(r.Quantity, list); err != nil {
			k.problem(path, "its allocations are not sound: %v", err)
		}
	}
	if r.Series.Resource != "" && r.Series.Buyer == product.Seller { // MeterUsage by the product's own seller, before it is published
		return
	}
	for i := range agreements {
		a := &agreements[i]
		if r.Series.LicenseARN != "" && r.Series.LicenseARN != a.LicenseARN {
			continue
		}
		// MeterUsage rounds its times down to the hour.
		if covers(a, r.Timestamp) || r.Series.Resource != "" && covers(a, r.Timestamp.Add(time.Hour-time.Millisecond)) {
			return
		}
	}
	k.problem(path, "is inside no agreement: %s", identity(r))
}

func identity(r *UsageRecord) string {
	by := "by product code"
	if r.Series.LicenseARN != "" {
		by = "by license " + r.Series.LicenseARN
	}
	return "product " + r.Series.ProductCode + ", account " + r.Series.Buyer + ", dimension " + quoteShort([]byte(r.Series.Dimension)) + ", " + stamp(r.Timestamp) +
		", " + r.Series.Region + ", " + by
}
