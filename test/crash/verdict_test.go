package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func record(buyer string, quantity int64) attempt {
	return attempt{identity{buyer: buyer, dimension: "d", hour: 1}, quantity}
}

// sample is a journal with one of everything, and a ledger that is right for it.
func sample() (*journal, ledger) {
	j := newJournal()
	acked, raced, refused, absent, there := record("acked", 1), record("raced", 2), record("refused", 3), record("absent", 4), record("there", 5)
	other := raced
	other.quantity = 22
	j.begin([]attempt{acked, raced, other, refused, absent, there})
	j.acknowledged(acked, "id-acked")
	j.lose(raced)
	j.duplicate(other, "id-raced")
	j.refuse(refused)
	j.lose(absent, there)
	j.purchase("buyer")("agmt-1", false)
	j.purchase("buyer")("", false)
	j.purchase("nobody")("", true)
	return j, ledger{
		rows: []row{
			{acked.identity, "id-acked", 1}, {raced.identity, "id-raced", 2}, {there.identity, "id-there", 5},
		},
		agreements: map[string][]string{"buyer": {"agmt-1", "agmt-2"}},
	}
}

func TestAJournalAndItsLedger(t *testing.T) {
	j, l := sample()
	for range 2 { // the second time with what was seen the first time
		if f := j.judge(l, true); len(f) > 0 {
			t.Errorf("a sound ledger: %q", f)
		}
	}
	if c := j.tally(); c.Unknown != 3 || c.UnknownThere != 2 || c.Acknowledged != 1 || c.Refused != 1 || c.Duplicates != 1 || c.Purchases != 1 || c.PurchasesOut != 1 {
		t.Errorf("counts: %+v", c)
	}
}

// Each way to spoil a ledger is told by its name.
func TestADoctoredLedgerIsFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		doctor func(*ledger)
		want   string
	}{
		{"a record is missing", func(l *ledger) { l.rows = l.rows[1:] }, "lost: id-acked"},
		{"one that a DuplicateRecord told of is missing", func(l *ledger) { l.rows = slices.Delete(l.rows, 1, 2) }, "lost: id-raced"},
		{"a record is there twice", func(l *ledger) { l.rows = append(l.rows, l.rows[0]) }, "doubled: {acked"},
		{"twice, under two ids", func(l *ledger) { l.rows = append(l.rows, row{l.rows[2].identity, "id-else", 5}) }, "doubled: {there"},
		{"two records, one id", func(l *ledger) { l.rows[2].id = "id-acked" }, "one id twice: id-acked"},
		{"its quantity is another", func(l *ledger) { l.rows[0].quantity++ }, "changed: id-acked (1) became id-acked (2)"},
		{"its id is another", func(l *ledger) { l.rows[0].id = "id-else" }, "changed: id-acked (1) became id-else (1)"},
		{"a duplicate took the record's place", func(l *ledger) { l.rows[1].id = "id-else" }, "changed: id-raced"},
		{"a refused one is there", func(l *ledger) { l.rows = append(l.rows, row{record("refused", 3).identity, "id-r", 3}) }, "refused, and there: id-r"},
		{"one that nobody sent", func(l *ledger) { l.rows = append(l.rows, row{record("stranger", 3).identity, "id-s", 3}) }, "never sent, and there: {stranger"},
		{"an unknown one in a quantity that nobody sent", func(l *ledger) { l.rows[2].quantity++ }, "there, but not as anybody sent it: id-there"},
		{"a purchase is missing", func(l *ledger) { l.agreements["buyer"] = []string{"agmt-2"} }, "lost: agreement agmt-1"},
		{"a purchase too many", func(l *ledger) { l.agreements["buyer"] = append(l.agreements["buyer"], "agmt-3") }, "refused, and there: agreement agmt-3"},
		{"a refused purchase", func(l *ledger) { l.agreements["nobody"] = []string{"agmt-4"} }, "refused, and there: agreement agmt-4"},
		{"a purchase twice", func(l *ledger) { l.agreements["buyer"] = append(l.agreements["buyer"], "agmt-1") }, "doubled: agreement agmt-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, l := sample()
			c.doctor(&l)
			if f := j.judge(l, true); !slices.ContainsFunc(f, func(s string) bool { return strings.HasPrefix(s, c.want) }) {
				t.Errorf("found %q, want %q", f, c.want)
			}
		})
	}
}

// What was seen once has to stay, and what was not there when all was over must not come.
func TestTheUnknownSettles(t *testing.T) {
	j, l := sample()
	j.judge(l, true)
	l.rows = append(slices.Delete(l.rows, 2, 3), row{record("absent", 4).identity, "id-late", 4})
	f := strings.Join(j.judge(l, true), "\n")
	for _, want := range []string{"lost: id-there (5)", "there, but not as anybody sent it: id-late"} {
		if !strings.Contains(f, want) {
			t.Errorf("found %s, want %s", f, want)
		}
	}
	j, l = sample()
	j.judge(l, false)
	l.rows = append(l.rows, row{record("absent", 4).identity, "id-late", 4})
	if f := j.judge(l, false); len(f) > 0 {
		t.Errorf("while it may still come: %q", f)
	}
}

// Answers that contradict each other are found without a ledger.
func TestFalseAnswersAreFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(*journal, attempt)
		want   string
	}{
		{"another id", func(j *journal, a attempt) { j.acknowledged(a, "id-else") }, "the record is id-acked"},
		{"no id", func(j *journal, a attempt) { j.acknowledged(a, "") }, "without an id"},
		{"a duplicate of itself", func(j *journal, a attempt) { j.duplicate(a, "id-acked") }, "of what it is itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, l := sample()
			j.begin([]attempt{record("acked", 1)})
			c.answer(j, record("acked", 1))
			if f := j.judge(l, true); len(f) != 1 || !strings.Contains(f[0], c.want) {
				t.Errorf("found %q, want %q", f, c.want)
			}
		})
	}
	j, l := sample()
	j.begin([]attempt{record("acked", 9), record("alone", 9)})
	j.acknowledged(record("acked", 9), "id-acked")
	j.duplicate(record("alone", 9), "id-alone")
	f := strings.Join(j.judge(l, true), "\n")
	for _, want := range []string{"what is kept is 1", "nobody sent anything else"} {
		if !strings.Contains(f, want) {
			t.Errorf("found %s, want %s", f, want)
		}
	}
}

// Of errors of the server's only those are taken that say that it cannot do it now, or cannot tell.
func TestErrorsOfTheServer(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		fine   bool
	}{
		{500, "InternalServiceErrorException", true},
		{503, "ServiceUnavailable", true},
		{500, "OutcomeUnsure", true},
		{0, "", true},
		{500, "", false},
		{502, "", false},
		{503, "InternalServiceErrorException", false},
		{500, "InvalidTokenException", false},
	} {
		j := newJournal()
		j.answered(answer{fate: unknown, status: c.status, code: c.code}, time.Second)
		if f := j.judge(ledger{}, true); (len(f) == 0) != c.fine {
			t.Errorf("%d %s: found %q", c.status, c.code, f)
		}
		if j.failed() != 1 {
			t.Errorf("%d %s: %d requests failed", c.status, c.code, j.failed())
		}
	}
}
