package sqlstore

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/souk-market/souk/internal/market"
)

// maxSeries bounds how many series a store remembers, at about 300 bytes each. When there are more, all are forgotten and come back
// as they are used.
const maxSeries = 100_000

// seriesCache knows the ids of series. It has only what was committed, so that nothing in it is ever wrong; what a transaction adds is the
// appender's until then.
//
// When a snapshot is restored, series have other ids. What was found out before is of an older epoch, and not used: also not what stands in
// UsageRecord.Number, which has the epoch above the id.
type seriesCache struct {
	mu    sync.RWMutex
	epoch int64
	ids   map[market.Series]int64
}

// keys fills in the keys of records, as far as the ids of their series are known; 0 for the others. They hold in the epoch that it answers. It says what
// the store cannot keep.
func (c *seriesCache) keys(batch []market.UsageRecord, keys []int64) (epoch int64, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for i := range batch {
		r := &batch[i]
		hour := r.Hour()
		if hour < 0 || hour > maxHour {
			return 0, fmt.Errorf("record %d: its time is out of bounds: %s", i, r.Timestamp)
		}
		if r.Number != nil {
			if n := r.Number.Load(); n != 0 && n>>hourShift == c.epoch {
				keys[i] = hour<<hourShift | n&seriesMask
				continue
			}
		}
		if id, ok := c.ids[r.Series]; ok {
			keys[i] = hour<<hourShift | id
			if r.Number != nil {
				r.Number.Store(c.epoch<<hourShift | id)
			}
			continue
		}
		keys[i] = 0
		s := &r.Series
		if err := checkText(s.Region, s.ProductCode, s.Buyer, s.LicenseARN, s.Dimension, s.Resource); err != nil {
			return 0, fmt.Errorf("record %d: %w", i, err)
		}
	}
	return c.epoch, nil
}

// forget begins a new epoch.
func (c *seriesCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.ids = nil
}

// add adds what was committed.
func (c *seriesCache) add(ids map[market.Series]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids == nil || len(c.ids)+len(ids) > maxSeries {
		c.ids = make(map[market.Series]int64)
	}
	maps.Copy(c.ids, ids)
}

// interned are the series that a transaction has met and that seriesCache did not have.
type interned struct {
	ids   map[market.Series]int64
	added []market.Series // those that the transaction added itself
}

// undo forgets all that were added since there were n: their ids will be given to others.
func (in *interned) undo(n int) {
	for _, s := range in.added[n:] {
		delete(in.ids, s)
	}
	clear(in.added[n:])
	in.added = in.added[:n]
}

// committed hands over what the transaction met.
func (a *appender) committed() {
	if len(a.met.ids) > 0 {
		a.known.add(a.met.ids)
	}
	a.undone()
}

// undone forgets what the transaction met.
func (a *appender) undone() {
	clear(a.met.ids)
	clear(a.met.added)
	a.met.added = a.met.added[:0]
}

// intern is the id of a series, which is added to the table if it is not there.
func (a *appender) intern(s *market.Series) (int64, error) {
	if id, ok := a.met.ids[*s]; ok {
		return id, nil
	}
	own := ownSeries(s)
	for i, v := range [...]string{own.ProductCode, own.Buyer, own.Resource, own.LicenseARN, own.Dimension, own.Region} {
		a.names[i].Value = v
	}
	var row [1]driver.Value
	found, err := first(a.findSeries, a.names[:], row[:])
	if err != nil {
		return 0, err
	}
	id, ok := row[0].(int64)
	switch {
	case !found:
		if id, err = a.insertSeries(); err != nil {
			return 0, err
		}
		a.met.added = append(a.met.added, own)
	case !ok:
		return 0, fmt.Errorf("a series' id is stored as %T", row[0])
	}
	a.met.ids[own] = id
	return id, nil
}

// insertSeries adds the series that a.names has.
func (a *appender) insertSeries() (int64, error) {
	res, err := a.addSeries.ExecContext(context.Background(), a.names[:])
	if err != nil {
		return 0, err
	}
	id, err := res.LastInsertId()
	if err == nil && (id < 1 || id > seriesMask) {
		err = fmt.Errorf("a series' id has more than 32 bits: %d", id)
	}
	return id, err
}

// ownSeries is a copy of s, in one piece: what is remembered must not keep the memory of requests.
func ownSeries(s *market.Series) market.Series {
	all := strings.Join([]string{s.Region, s.ProductCode, s.Buyer, s.LicenseARN, s.Dimension, s.Resource}, "")
	next := func(like string) (part string) {
		part, all = all[:len(like)], all[len(like):]
		return part
	}
	return market.Series{
		Region: next(s.Region), ProductCode: next(s.ProductCode), Buyer: next(s.Buyer),
		LicenseARN: next(s.LicenseARN), Dimension: next(s.Dimension), Resource: next(s.Resource),
	}
}
