package api

import (
	"slices"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

// rooms are where the operations with large inputs take them apart. A call keeps them from request to request; each is made when it is first needed.
type rooms struct {
	batch        *batchRoom
	meter        *meterRoom
	entitlements *entitlementRoom
}

func (r *rooms) forBatch() *batchRoom {
	if r.batch == nil {
		r.batch = new(batchRoom)
	}
	return r.batch
}

func (r *rooms) forMeter() *meterRoom {
	if r.meter == nil {
		r.meter = new(meterRoom)
	}
	return r.meter
}

func (r *rooms) forEntitlements() *entitlementRoom {
	if r.entitlements == nil {
		r.entitlements = new(entitlementRoom)
	}
	return r.entitlements
}

// emptied is the room of a slice without what was in it; nothing of a slice that has grown beyond most elements.
func emptied[T any](s []T, most int) []T {
	if cap(s) > most {
		return nil
	}
	clear(s)
	return s[:0]
}

// allocationRoom is where the allocations of all records of a call are laid out as the market wants them: one array of allocations, one of tags. They are
// counted first, since an array that grew would leave behind what was taken from it.
type allocationRoom struct {
	allocations []market.Allocation
	tags        []market.Tag
	n, nTags    int // expected
}

// Room for allocations is kept for this many. 25 records of 2,500 are possible, and rare.
const (
	maxAllocationRoom = 256
	maxTagRoom        = 512
)

func (r *allocationRoom) expect(list []awsproto.UsageAllocation) {
	r.n += len(list)
	for i := range list {
		r.nTags += len(list[i].Tags)
	}
}

func (r *allocationRoom) grow() {
	r.allocations = slices.Grow(r.allocations, r.n)
	r.tags = slices.Grow(r.tags, r.nTags)
}

// take lays out the allocations of one record; nil if there are none.
func (r *allocationRoom) take(list []awsproto.UsageAllocation) []market.Allocation {
	if len(list) == 0 {
		return nil
	}
	from := len(r.allocations)
	for i := range list {
		tags := len(r.tags)
		for _, t := range list[i].Tags {
			r.tags = append(r.tags, market.Tag(t))
		}
		r.allocations = append(r.allocations, market.Allocation{
			Quantity: list[i].AllocatedUsageQuantity, Tags: r.tags[tags:len(r.tags):len(r.tags)],
		})
	}
	return r.allocations[from:len(r.allocations):len(r.allocations)]
}

func (r *allocationRoom) reset() {
	*r = allocationRoom{allocations: emptied(r.allocations, maxAllocationRoom), tags: emptied(r.tags, maxTagRoom)}
}
