package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// identity is what the ledger may have one record of.
type identity struct {
	buyer, dimension string
	hour             int64  // from 1970
	token            string // of MeterUsage from AgentCore, where each client token is a record of its own; "" for BatchMeterUsage
}

// attempt is one record on its way in one request.
type attempt struct {
	identity
	quantity int64
}

// kept is the record of an identity that has to be in the ledger from now on: it was acknowledged, or the ledger was seen to have it.
type kept struct {
	id       string
	quantity int64 // anyQuantity: a DuplicateRecord told of it, which does not say how much
}

const anyQuantity = -1

// entry is all that is known of an identity.
type entry struct {
	kept    *kept
	pending []int64 // quantities under way
	open    []int64 // quantities that were sent, and nobody said what became of them
	refused bool    // some attempt was
	counted bool    // among unknown
}

// journal is what clients sent and what they were answered: all that a ledger is held to. It outlives every kill. Safe for concurrent use.
type journal struct {
	mu      sync.Mutex
	entries map[identity]*entry
	buyers  map[string]*purchases
	faults  []string // answers that no sound market gives

	count  counts
	errors map[string]int // answers by error code; "": there was none
	latest time.Duration  // that an answer took
}

// counts says how much there was to go wrong.
type counts struct {
	Acknowledged int // records: attempts that were answered with Success
	Repeated     int // of them, those that were no news: the record was known by then
	Duplicates   int // attempts answered with DuplicateRecord
	Refused      int // attempts
	Unknown      int // records of which no answer said whether they are kept
	UnknownThere int // of them, those that the ledger turned out to have
	Purchases    int // acknowledged
	PurchasesOut int // without an answer
}

// purchases is what is known of a buyer's agreements.
type purchases struct {
	kept map[string]bool // ids
	open int             // purchases without an answer
}

// newJournal is an empty one.
func newJournal() *journal {
	return &journal{entries: map[identity]*entry{}, buyers: map[string]*purchases{}, errors: map[string]int{}}
}

// tally is the counts so far.
func (j *journal) tally() counts {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.count
}

// begin notes attempts before they are sent. Each must be ended by one of the methods below.
func (j *journal) begin(list []attempt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range list {
		e := j.entries[list[i].identity]
		if e == nil {
			e = &entry{}
			j.entries[list[i].identity] = e
		}
		e.pending = append(e.pending, list[i].quantity)
	}
}

// end takes an attempt from those under way.
func (j *journal) end(a attempt) *entry {
	e := j.entries[a.identity]
	if at := slices.Index(e.pending, a.quantity); at >= 0 {
		e.pending = slices.Delete(e.pending, at, at+1)
		return e
	}
	j.fault("the journal does not know of an attempt that ended: %+v", a)
	return e
}

// acknowledged: Success, with that MeteringRecordId.
func (j *journal) acknowledged(a attempt, id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.end(a)
	j.count.Acknowledged++
	switch {
	case id == "":
		j.fault("%+v was a Success without an id", a)
	case e.kept == nil:
		e.kept = &kept{id, a.quantity}
	case e.kept.id != id:
		j.fault("%+v was a Success as %s, but the record is %s", a, id, e.kept.id)
	case e.kept.quantity == anyQuantity:
		e.kept.quantity = a.quantity
	case e.kept.quantity != a.quantity:
		j.fault("%+v was a Success, but what is kept is %d", a, e.kept.quantity)
	default:
		j.count.Repeated++
	}
}

// duplicate: DuplicateRecord, which says that another quantity is kept. So it is, from then on.
func (j *journal) duplicate(a attempt, id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.end(a)
	j.count.Duplicates++
	other := func(q int64) bool { return q != a.quantity }
	switch {
	case e.kept == nil && !slices.ContainsFunc(e.pending, other) && !slices.ContainsFunc(e.open, other):
		j.fault("%+v was called a duplicate, and nobody sent anything else", a)
	case e.kept == nil:
		e.kept = &kept{id, anyQuantity}
	case e.kept.quantity == a.quantity:
		j.fault("%+v was called a duplicate of what it is itself", a)
	case e.kept.id != id:
		j.fault("%+v was called a duplicate of %s, but the record is %s", a, id, e.kept.id)
	}
}

// refuse: an answer said that nothing was kept of these.
func (j *journal) refuse(list ...attempt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, a := range list {
		j.end(a).refused = true
		j.count.Refused++
	}
}

// lose: they were sent, and no answer came, or one that says nothing.
func (j *journal) lose(list ...attempt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, a := range list {
		e := j.end(a)
		e.open = append(e.open, a.quantity)
		if e.kept == nil && !e.counted {
			e.counted = true
			j.count.Unknown++
		}
	}
}

// withdraw: there was nobody to send them to.
func (j *journal) withdraw(list ...attempt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, a := range list {
		j.end(a)
	}
}

// purchase notes the purchase of a buyer before it is sent; what it returns notes what became of it: the agreement's id, or "" and whether it was refused.
func (j *journal) purchase(buyer string) (end func(id string, refused bool)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := j.buyers[buyer]
	if p == nil {
		p = &purchases{kept: map[string]bool{}}
		j.buyers[buyer] = p
	}
	return func(id string, refused bool) {
		j.mu.Lock()
		defer j.mu.Unlock()
		switch {
		case refused:
		case id == "":
			p.open++
			j.count.PurchasesOut++
		case p.kept[id]:
			j.fault("agreement %s was sold twice", id)
		default:
			p.kept[id] = true
			j.count.Purchases++
		}
	}
}

// answered notes the kind of an answer. One of the server's own errors has to be among those that AWS's clients know what to do about.
func (j *journal) answered(a answer, after time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch a.fate {
	case unsent, refused: // nothing else is said of it than elsewhere
		return
	case unknown:
		j.errors[a.code]++
	}
	if a.status != 0 {
		j.latest = max(j.latest, after)
	}
	if !a.honest() {
		j.fault("status %d, %s", a.status, a.body)
	}
}

// failed is how many requests had an answer that says nothing, or none.
func (j *journal) failed() (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, times := range j.errors {
		n += times
	}
	return n
}

// complain notes an answer that is wrong whatever the ledger says.
func (j *journal) complain(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fault(format, args...)
}

func (j *journal) fault(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}
