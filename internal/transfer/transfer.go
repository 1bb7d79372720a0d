// Package transfer moves a marketplace from one store to another, of whatever engine, and proves that it has arrived.
//
// All of it is read from one snapshot of the source, and written in batches. With each batch, in the same Update, a marker in the target's settings says how
// far it came: a copy that was cut short at any moment goes on from there, and whoever opens the target meanwhile can see that it is not whole.
// At the end both sides are read once more and compared, the target is checked by market.CheckTx, and the marker goes.
//
// What is not copied are the counters by which nodes notice changes, and the order of usage records within their hour, which are each store's own.
package transfer

import (
	"errors"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// What Copy answers, wrapped, where nothing can be copied.
var (
	// ErrNotEmpty means that the target has data that does not come from this source.
	ErrNotEmpty = errors.New("the target is not empty")
	// ErrChanged means that the target is the copy of a source that was cut short, and that the source is not what it was then: it is another one, or was
	// written to.
	ErrChanged = errors.New("the target is a part of a copy of something else, or the source has changed since")
	// ErrUnfinished means that a store is a copy that was cut short: it is neither to be served nor to be copied.
	ErrUnfinished = errors.New("the store is a copy that was cut short")
)

// Config says what to copy where.
type Config struct {
	// From is read in one View. Nobody should write to it meanwhile: what they add is not copied.
	From market.Store
	// To is empty, or what an earlier Copy left. Nobody else may have it open.
	To market.Store
	// Progress, if set, is called after each batch, by one goroutine at a time.
	Progress func(Progress)
}

// Phase is what Copy is doing.
type Phase string

const (
	Copying   Phase = "copying"
	Comparing Phase = "comparing" // both sides, row by row
	Checking  Phase = "checking"  // the target, by market.CheckTx
)

// Progress is how far a Copy has come.
type Progress struct {
	Phase Phase
	Kind  string // of rows, in the plural; "" while Checking
	Done  int64  // rows of this kind
	Total int64  // of them all; -1 where nobody knows before the end
	End   bool   // the kind is through
}

// Count is how many rows of a kind there are.
type Count struct {
	Kind string
	Rows int64
}

// Difference is a kind of which the two stores do not have the same rows.
type Difference struct {
	Kind     string
	From, To int64 // rows
}

// String says it in plain words.
func (d Difference) String() string {
	if d.From != d.To {
		return fmt.Sprintf("%s: the source has %d, the target %d", d.Kind, d.From, d.To)
	}
	return fmt.Sprintf("%s: both have %d, and they are not the same", d.Kind, d.From)
}

// Result is what became of a copy. It is a good one if there are no Differences.
type Result struct {
	Rows []Count // of the target, in the order in which they are copied; kinds of which there are none, too
	// Resumed says that this Copy went on where another one had been cut short, Present that there was nothing left to copy: the target was the
	// source's copy already.
	Resumed, Present bool
	// Usage is how many usage records this Copy brought, in UsageTime.
	Usage     int64
	UsageTime time.Duration
	// Differences are kinds that did not come out the same. The marker stays, and the next Copy writes everything again.
	Differences []Difference
	// Problems are the rules that the target's state breaks, without Differences those that the source's breaks, too.
	Problems []market.Problem
}
