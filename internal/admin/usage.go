package admin

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// UsageRecord is one metered quantity.
type UsageRecord struct {
	RecordID    string       `json:"record_id"` // MeteringRecordId
	Hour        time.Time    `json:"hour"`      // the start of the hour that it counts for
	Timestamp   time.Time    `json:"timestamp"` // as it was sent
	Region      string       `json:"region"`
	ProductCode string       `json:"product_code"`
	Buyer       string       `json:"buyer"`                 // account
	LicenseARN  string       `json:"license_arn,omitempty"` // "" for what was metered by product code
	Dimension   string       `json:"dimension"`
	Resource    string       `json:"resource,omitempty"` // of MeterUsage: the workload
	Quantity    int64        `json:"quantity"`
	Allocations []Allocation `json:"allocations,omitempty"`
	SubmittedAt time.Time    `json:"submitted_at"` // by the market's clock
}

// Allocation is a part of a record's quantity, under tags.
type Allocation struct {
	Quantity int64 `json:"quantity"`
	Tags     []Tag `json:"tags,omitempty"`
}

// Tag is a vendor's tag.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// UsagePage is a part of a list of usage records, by hour.
type UsagePage struct {
	Records []UsageRecord `json:"records"`
	Next    string        `json:"next,omitempty"`  // what to ask for with UsageQuery.After; "" at the end
	Count   *int64        `json:"count,omitempty"` // of all records that match, wherever the page begins; only if asked for
}

// UsageSum is one line of a sum. It has those fields that were added up by, and the two numbers.
type UsageSum struct {
	At          time.Time `json:"at,omitzero"` // the start of the hour, or of the day
	Region      *string   `json:"region,omitempty"`
	ProductCode *string   `json:"product_code,omitempty"`
	Buyer       *string   `json:"buyer,omitempty"`
	LicenseARN  *string   `json:"license_arn,omitempty"` // "" for what was metered by product code
	Dimension   *string   `json:"dimension,omitempty"`
	Records     int64     `json:"records"`
	Quantity    int64     `json:"quantity"`
}

// usageFilter are the query parameters that usage is filtered by.
var usageFilter = []string{"product", "buyer", "license", "dimension", "region", "from", "to"}

func filterOfUsage(q url.Values) (f market.UsageFilter, err error) {
	f = market.UsageFilter{
		Region: q.Get("region"), ProductCode: q.Get("product"), Buyer: q.Get("buyer"), LicenseARN: q.Get("license"), Dimension: q.Get("dimension"),
	}
	if f.From, err = instant(q, "from"); err != nil {
		return f, err
	}
	f.To, err = instant(q, "to")
	return f, err
}

func (a *API) listUsage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := filterOfUsage(q)
	if err != nil {
		return err
	}
	limit, err := number(q, "limit", defaultLimit, 1, maxLimit)
	if err != nil {
		return err
	}
	after, err := number[uint64](q, "after", 0, 1, math.MaxInt64)
	if err != nil {
		return err
	}
	count, err := truth(q, "count")
	if err != nil {
		return err
	}
	var page UsagePage
	if count {
		unhurried(w)
		n, err := a.service.CountUsage(r.Context(), market.Operator(), f)
		if err != nil {
			return err
		}
		page.Count = &n
	}
	f.After, f.Limit = int64(after), limit+1 // one more tells whether there are more
	list, err := a.service.Usage(r.Context(), market.Operator(), f)
	if err != nil {
		return err
	}
	more := len(list) > limit
	if more {
		list = list[:limit]
	} else if len(list) > 0 && heavy(list) { // the list may have ended for its size
		rest := f
		rest.After, rest.Limit = list[len(list)-1].Position, 1
		next, err := a.service.Usage(r.Context(), market.Operator(), rest)
		if err != nil {
			return err
		}
		more = len(next) > 0
	}
	if more {
		page.Next = strconv.FormatInt(list[len(list)-1].Position, 10)
	}
	page.Records = make([]UsageRecord, len(list))
	for i := range list {
		if page.Records[i], err = usageRecord(&list[i]); err != nil {
			return err
		}
	}
	return answer(w, http.StatusOK, page)
}

// heavy reports whether records hold much.
func heavy(list []market.UsageRecord) bool {
	size := 0
	for i := range list {
		size += len(list[i].Allocations)
	}
	return size > 1<<20
}

func usageRecord(u *market.UsageRecord) (UsageRecord, error) {
	v := UsageRecord{
		RecordID: u.ID.String(), Hour: time.Unix(u.Hour()*3600, 0).UTC(), Timestamp: u.Timestamp.UTC(), Region: u.Series.Region,
		ProductCode: u.Series.ProductCode, Buyer: u.Series.Buyer, LicenseARN: u.Series.LicenseARN, Dimension: u.Series.Dimension,
		Resource: u.Series.Resource, Quantity: u.Quantity, SubmittedAt: u.SubmittedAt.UTC(),
	}
	if len(u.Allocations) == 0 {
		return v, nil
	}
	parts, err := u.Allocated()
	if err != nil {
		return UsageRecord{}, err
	}
	for _, part := range parts {
		out := Allocation{Quantity: part.Quantity}
		for _, tag := range part.Tags {
			out.Tags = append(out.Tags, Tag{Key: string(tag.Key), Value: string(tag.Value)})
		}
		v.Allocations = append(v.Allocations, out)
	}
	return v, nil
}

func (a *API) sumUsage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := filterOfUsage(q)
	if err != nil {
		return err
	}
	var by []market.UsageField
	if text := q.Get("by"); text != "" {
		for field := range strings.SplitSeq(text, ",") {
			by = append(by, market.UsageField(field))
		}
	}
	unhurried(w)
	list, err := a.service.SumUsage(r.Context(), market.Operator(), f, by)
	if err != nil {
		return err
	}
	out := make([]UsageSum, len(list))
	for i, s := range list {
		out[i] = usageSum(&s, by)
	}
	return answer(w, http.StatusOK, map[string]any{"sums": out})
}

func usageSum(s *market.UsageSum, by []market.UsageField) UsageSum {
	v := UsageSum{At: s.At.UTC(), Records: s.Records, Quantity: s.Quantity}
	for _, field := range []struct {
		by    market.UsageField
		value *string
		to    **string
	}{
		{market.ByRegion, &s.Region, &v.Region}, {market.ByProduct, &s.ProductCode, &v.ProductCode}, {market.ByBuyer, &s.Buyer, &v.Buyer},
		{market.ByLicense, &s.LicenseARN, &v.LicenseARN}, {market.ByDimension, &s.Dimension, &v.Dimension},
	} {
		if slices.Contains(by, field.by) {
			*field.to = field.value
		}
	}
	return v
}
