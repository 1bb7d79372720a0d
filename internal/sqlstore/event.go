package sqlstore

import (
	"github.com/souk-market/souk/internal/market"
)

const (
	selectEvents = `SELECT seq, agreement_id, at, kind, detail FROM agreement_event`
	// Nothing is ever deleted there, so the next seq is one more than the highest, and those of what was undone are given again.
	addEvent = `INSERT INTO agreement_event (agreement_id, at, kind, detail) VALUES ($1, $2, $3, $4)`
)

func scanEvent(e *market.Event) []any {
	return []any{&e.Seq, &e.AgreementID, timeColumn{&e.At}, &e.Kind, &e.Detail}
}

func (t *tx) AppendEvent(e market.Event) error {
	return t.put("append event", addEvent, e.AgreementID, millis(e.At), string(e.Kind), e.Detail)
}

func (t *tx) Events(f market.EventFilter) ([]market.Event, error) {
	var w where
	w.text("agreement_id = ?", f.AgreementID)
	if f.After != 0 {
		w.and("seq > ?", f.After)
	}
	return list(t, "list events", selectEvents+w.clause()+" ORDER BY seq"+w.limit(f.Limit), scanEvent, w.args...)
}
