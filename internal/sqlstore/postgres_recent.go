package sqlstore

import (
	"sync"

	"github.com/souk-market/souk/internal/market"
)

// recentUsage remembers records that were kept lately, by their keys. Whether a record is new the database alone says; but what was kept in the place of one
// that is not need not be read from there, when it was this node that brought it in a moment ago: most repeats are a client's second try.
//
// It has only what was committed, and a record that is kept never changes.
type recentUsage struct {
	mu    sync.Mutex
	slots [recentSlots]recentRecord // by the key's hash; each has the last that was put there
}

const (
	// recentSlots times 88 bytes is what a node spends on this,
	recentSlots = 1 << 14
	// and this, for allocations: records with longer ones are not remembered.
	maxRecentAllocations = 256
)

type recentRecord struct {
	key  int64 // 0: none
	kept market.Appended
}

func recentSlot(key int64) int { return int(uint64(key) * 0x9e3779b97f4a7c15 >> (64 - 14)) }

// put remembers what became of rows, of each key one, after their commit.
func (c *recentUsage) put(u *usageRows) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range u.order {
		if r := &u.rows[i]; len(r.out.Allocations) <= maxRecentAllocations {
			c.slots[recentSlot(r.key)] = recentRecord{r.key, r.out}
		}
	}
}

// fill says what is kept in the place of the missing rows, as far as it is remembered; the others stay missing.
func (c *recentUsage) fill(u *usageRows, doubtful bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	still := u.missing[:0]
	for _, i := range u.missing {
		r := &u.rows[i]
		slot := &c.slots[recentSlot(r.key)]
		if slot.key != r.key {
			still = append(still, i)
			continue
		}
		r.out = slot.kept
		r.out.Inserted = doubtful && r.out.ID == r.id
	}
	u.missing = still
}
