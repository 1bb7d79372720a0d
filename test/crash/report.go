package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// report is what trials have to tell.
type report struct {
	result
	faults   int
	last     string                     // name of the fault that is under way
	names    []string                   // of faults, in the order in which they were first met
	times    map[string]int             // how often, by name
	recovery map[string][]time.Duration // until a node took usage, by name: of each fault and each node that was not killed
	lost     int                        // answers of the database
	errors   map[string]int             // that clients were told, by code
	latest   time.Duration              // that an answer took
	skipped  []string
	begun    time.Time
}

func newReport() *report {
	return &report{times: map[string]int{}, recovery: map[string][]time.Duration{}, errors: map[string]int{}, begun: time.Now()}
}

// fault notes one that is over.
func (r *report) fault(name string, took []time.Duration) {
	if r.times[name] == 0 {
		r.names = append(r.names, name)
	}
	r.faults++
	r.times[name]++
	r.recovery[name] = append(r.recovery[name], took...)
}

// add adds what a sequence has come to.
func (r *report) add(t *trial) {
	a, b := &r.result, &t.sweep.result
	a.kills += b.kills
	a.checks += b.checks
	a.rows += b.rows
	a.agreements += b.agreements
	a.Acknowledged += b.Acknowledged
	a.Repeated += b.Repeated
	a.Duplicates += b.Duplicates
	a.counts.Refused += b.counts.Refused
	a.Unknown += b.Unknown
	a.UnknownThere += b.UnknownThere
	a.Purchases += b.Purchases
	a.PurchasesOut += b.PurchasesOut
	for code, n := range t.journal.errors {
		r.errors[code] += n
	}
	r.latest = max(r.latest, t.journal.latest)
}

func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults, %d nodes killed meanwhile, %d answers of the database lost, %d checks, %s\n", r.faults, r.kills, r.lost, r.checks, r.took.Round(time.Second))
	fmt.Fprintf(&b, "%-40s %6s   until a node took usage again: half, nine of ten, all\n", "", "times")
	for _, name := range r.names {
		fmt.Fprintf(&b, "%-40s %6d   %s\n", name, r.times[name], spread(r.recovery[name]))
	}
	for _, why := range r.skipped {
		fmt.Fprintf(&b, "left out: %s\n", why)
	}
	fmt.Fprintf(&b, "records: %d acknowledgements, %d of them again; %d duplicates and %d refusals; %d without an answer, of which %d were there\n",
		r.Acknowledged, r.Repeated, r.Duplicates, r.counts.Refused, r.Unknown, r.UnknownThere)
	fmt.Fprintf(&b, "purchases: %d acknowledged, %d without an answer\n", r.Purchases, r.PurchasesOut)
	b.WriteString("answers that say nothing:")
	for _, code := range slices.Sorted(maps.Keys(r.errors)) {
		if code == "" {
			fmt.Fprintf(&b, " none %d,", r.errors[code])
		} else {
			fmt.Fprintf(&b, " %s %d,", code, r.errors[code])
		}
	}
	fmt.Fprintf(&b, " the latest of all answers after %s\n", r.latest.Round(time.Millisecond))
	fmt.Fprintf(&b, "the ledgers have %d records and %d agreements: every acknowledged one once, none that was refused", r.rows, r.agreements)
	return b.String()
}

// spread is how long the half took, nine of ten, and all.
func spread(list []time.Duration) string {
	if len(list) == 0 {
		return "-"
	}
	list = slices.Sorted(slices.Values(list))
	at := func(part float64) time.Duration {
		return list[min(len(list)-1, int(part*float64(len(list))))].Round(time.Millisecond)
	}
	return fmt.Sprintf("%s, %s, %s", at(0.5), at(0.9), list[len(list)-1].Round(time.Millisecond))
}
