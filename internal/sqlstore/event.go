package sqlstore

import (
	"github.com/souk-market/souk/internal/market"
)

const selectEvents = `SELECT seq, agreement_id, at, kind, detail FROM agreement_event`

func scanEvent(e *market.Event) []any {
	return []any{&e.Seq, &e.AgreementID, timeColumn{&e.At}, &e.Kind, &e.Detail}
}

func (t *tx) AppendEvent(e market.Event) error {
	return t.put("append event", t.conn.dialect.addEvent, e.AgreementID, millis(e.At), string(e.Kind), e.Detail)
}

func (t *tx) Events(f market.EventFilter) ([]market.Event, error) {
	var w where
	w.text("agreement_id = ?", f.AgreementID)
	if f.After != 0 {
		w.and("seq > ?", f.After)
	}
	return list(t, "list events", selectEvents+w.clause()+" ORDER BY seq"+w.limit(f.Limit), scanEvent, w.args...)
}
