package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// row is a usage record as the ledger has it.
type row struct {
	identity
	id       string
	quantity int64
}

// ledger is the whole of what a Souk has: what was metered, and the ids of the agreements that were sold, by buyer.
type ledger struct {
	rows       []row
	agreements map[string][]string
}

// judge holds a ledger to the journal, and says what is wrong with the answers so far, and with it, worst first. No client may be at work.
//
// What had no answer is there once or not at all. If it is there, it has to stay. With over it can also not come any more if it is not there: whoever was
// working on it has gone.
func (j *journal) judge(l ledger, over bool) (findings []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	find := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }

	rows := make(map[identity]*row, len(l.rows))
	ids := make(map[string]*row, len(l.rows))
	for i := range l.rows {
		r := &l.rows[i]
		if first := rows[r.identity]; first != nil {
			find("doubled: %s is there as %s (%d) and as %s (%d)", r, first.id, first.quantity, r.id, r.quantity)
			continue
		}
		rows[r.identity] = r
		if first := ids[r.id]; first != nil {
			find("one id twice: %s is of %s and of %s", r.id, first, r)
		}
		ids[r.id] = r
		if j.entries[r.identity] == nil {
			find("never sent, and there: %s (%d)", r, r.quantity)
		}
	}
	for id, e := range j.entries {
		for _, q := range e.pending {
			find("the journal is not closed: %s (%d) is under way", &row{identity: id}, q)
		}
		if text := e.judge(rows[id]); text != "" {
			find("%s: %s", text, &row{identity: id})
		}
		if r := rows[id]; r != nil && e.kept == nil {
			e.kept = &kept{r.id, r.quantity}
		}
		if e.kept != nil && e.counted {
			e.counted = false
			j.count.UnknownThere++
		}
		if over {
			e.open, e.counted = nil, false
		}
	}
	findings = append(findings, j.judgePurchases(l.agreements, over)...)
	slices.SortFunc(findings, func(a, b string) int { return cmp.Or(cmp.Compare(gravity(a), gravity(b)), cmp.Compare(a, b)) })
	findings = append(j.faults, findings...) // false answers first: they explain the rest
	j.faults = nil
	return findings
}

// judge says what is wrong with the one row of an identity, or with there being none.
func (e *entry) judge(r *row) string {
	switch {
	case r == nil && e.kept != nil:
		return fmt.Sprintf("lost: %s (%d) was acknowledged, or seen before", e.kept.id, e.kept.quantity)
	case r == nil:
		return ""
	case e.kept == nil && slices.Contains(e.open, r.quantity):
		return ""
	case e.kept == nil && e.refused:
		return fmt.Sprintf("refused, and there: %s (%d)", r.id, r.quantity)
	case e.kept == nil:
		return fmt.Sprintf("there, but not as anybody sent it: %s (%d)", r.id, r.quantity)
	case e.kept.id != r.id || e.kept.quantity != r.quantity && e.kept.quantity != anyQuantity:
		return fmt.Sprintf("changed: %s (%d) became %s (%d)", e.kept.id, e.kept.quantity, r.id, r.quantity)
	}
	e.kept.quantity = r.quantity
	return ""
}

func (j *journal) judgePurchases(sold map[string][]string, over bool) (findings []string) {
	find := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }
	for _, buyer := range slices.Sorted(maps.Keys(sold)) {
		if j.buyers[buyer] == nil {
			find("never sent, and there: %d agreements of %s", len(sold[buyer]), buyer)
		}
	}
	for _, buyer := range slices.Sorted(maps.Keys(j.buyers)) {
		p := j.buyers[buyer]
		there := map[string]bool{}
		for _, id := range sold[buyer] {
			if there[id] {
				find("doubled: agreement %s of %s", id, buyer)
			}
			there[id] = true
			if p.kept[id] {
				continue
			}
			if p.open == 0 {
				find("refused, and there: agreement %s of %s, who has no purchase without an answer", id, buyer)
				continue
			}
			p.open--
			p.kept[id] = true
		}
		for _, id := range slices.Sorted(maps.Keys(p.kept)) {
			if !there[id] {
				find("lost: agreement %s of %s was acknowledged, or seen before", id, buyer)
			}
		}
		if over {
			p.open = 0
		}
	}
	return findings
}

// gravity sorts findings: what was lost comes first.
func gravity(finding string) int {
	return slices.IndexFunc([]string{"lost", "doubled", "one id twice", "changed", "refused", ""}, func(p string) bool { return strings.HasPrefix(finding, p) })
}

func (r *row) String() string {
	return fmt.Sprintf("{%s %s hour %d %s}", r.buyer, r.dimension, r.hour, r.token)
}
