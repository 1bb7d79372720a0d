package main

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// stream is the usage that both sides are given, row by row: 20,000 series report every hour, two hours mixed, in an order that is another one every
// time. So neither a table nor a cache is served in the order of its keys. Every 50th row is one again that came shortly before.
type stream struct {
	first time.Time // the hour that it begins with
}

const (
	series     = customers * len(dimensions)
	mixedHours = 2
	block      = mixedHours * series // rows of two hours
	repeatEach = 50
	repeatBack = 40

	// maxSample is how many rows fit into what BatchMeterUsage takes at one time, which is 24 hours: 9 blocks, one more where they do not begin with a
	// block, and one for repeats, make 22.
	maxSample = 9 * block
	// maxRows keeps a stream within a month: once that is over, its usage is not taken any more. A February has 672 hours.
	maxRows = 300 * block
)

// newStream begins with the next month.
func newStream(now time.Time) stream {
	y, m, _ := now.UTC().Date()
	return stream{time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC)}
}

// end is when the hours of the first n rows are over.
func (s stream) end(n int) time.Time {
	return s.first.Add(time.Duration((n+block-1)/block*mixedHours) * time.Hour)
}

// distinct is how many of the first n rows are no repeats, if n is a multiple of repeatEach.
func distinct(n int) int { return n - n/repeatEach }

// usageRow is one row.
type usageRow struct {
	customer, dimension int
	at                  time.Time
	quantity            int64
}

func (s stream) row(n int) usageRow {
	if n%repeatEach == repeatEach-1 {
		n -= repeatBack
	}
	steps := [...]int{7, 7919, 13, 10_007, 1237, 17, 3571, 19_997} // none has a factor of block's
	at := n % block * steps[n/block%len(steps)] % block
	hour := n/block*mixedHours + at/series
	return usageRow{
		customer: at % series / len(dimensions), dimension: at % len(dimensions),
		at:       s.first.Add(time.Duration(hour)*time.Hour + time.Duration(n%3600)*time.Second),
		quantity: int64(n % 10_000),
	}
}

// record writes a row as the bare loop has it.
func (s stream) record(n int, accounts []string, r *market.UsageRecord) {
	row := s.row(n)
	*r = market.UsageRecord{
		Series:    market.Series{Region: region, ProductCode: metered, Buyer: accounts[row.customer], Dimension: dimensions[row.dimension]},
		Timestamp: row.at, Quantity: row.quantity, SubmittedAt: s.first,
	}
	binary.BigEndian.PutUint64(r.ID[:], uint64(n)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(r.ID[8:], uint64(n))
}

// appendBody writes the body of BatchMeterUsage for the rows from n on.
func (s stream) appendBody(dst []byte, n, count int) []byte {
	dst = append(dst, `{"ProductCode":"`+metered+`","UsageRecords":[`...)
	for i := range count {
		row := s.row(n + i)
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"Timestamp":`...)
		dst = strconv.AppendInt(dst, row.at.Unix(), 10)
		dst = append(dst, `,"CustomerAWSAccountId":"`...)
		dst = append(dst, customer(row.customer)...)
		dst = append(dst, `","Dimension":"`...)
		dst = append(dst, dimensions[row.dimension]...)
		dst = append(dst, `","Quantity":`...)
		dst = strconv.AppendInt(dst, row.quantity, 10)
		dst = append(dst, '}')
	}
	return append(dst, `]}`...)
}
