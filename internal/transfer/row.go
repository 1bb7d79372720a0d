package transfer

import (
	"fmt"

	"github.com/souk-market/souk/internal/market"
)

// Lists and puts of the kinds of rows that there may be too many of to hold.

func agreements(tx market.Tx, after *string, limit int) ([]market.Agreement, error) {
	f := market.AgreementFilter{ByID: true, Limit: limit}
	if after != nil {
		f.AfterID = *after
	}
	return tx.Agreements(f)
}

func agreementKey(a *market.Agreement) string { return a.ID }

func events(tx market.Tx, after *int64, limit int) ([]market.Event, error) {
	f := market.EventFilter{Limit: limit}
	if after != nil {
		f.After = *after
	}
	return tx.Events(f)
}

func eventKey(e *market.Event) int64 { return e.Seq }

// lastEvent counts the events: their numbers have no gaps.
func lastEvent(tx market.Tx) (int64, error) {
	v, err := tx.Versions()
	return v.Event, err
}

// putEvents adds events under the numbers that they have. Those that are there already are left out.
func putEvents(tx market.Tx, list []market.Event) error {
	last, err := lastEvent(tx)
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.Seq <= last {
			continue
		}
		if e.Seq != last+1 {
			return fmt.Errorf("number %d comes after number %d: there is a gap in the history of the source", e.Seq, last)
		}
		if err := tx.AppendEvent(e); err != nil {
			return err
		}
		last++
	}
	switch given, err := lastEvent(tx); {
	case err != nil:
		return err
	case given != last:
		return fmt.Errorf("the target gives number %d to what is number %d", given, last)
	}
	return nil
}

type key2 [2]string

func clientTokenKey(c *market.ClientToken) key2 { return key2{c.Account, c.Token} }

func clientTokens(tx market.Tx, after *key2, limit int) ([]market.ClientToken, error) {
	if after == nil {
		return tx.ClientTokens(nil, limit)
	}
	return tx.ClientTokens(&market.ClientToken{Account: after[0], Token: after[1]}, limit)
}

type key3 [3]string

func registrationKey(r *market.Registration) key3 {
	return key3{r.ProductCode, r.Account, r.Resource}
}

func registrations(tx market.Tx, after *key3, limit int) ([]market.Registration, error) {
	if after == nil {
		return tx.RegistrationsAfter(nil, limit)
	}
	return tx.RegistrationsAfter(&market.Registration{ProductCode: after[0], Account: after[1], Resource: after[2]}, limit)
}

func redeemed(tx market.Tx, after *[]byte, limit int) ([]market.RedeemedToken, error) {
	if after == nil {
		return tx.RedeemedTokens(nil, limit)
	}
	return tx.RedeemedTokens(&market.RedeemedToken{ID: *after}, limit)
}

func redeemedKey(r *market.RedeemedToken) []byte { return r.ID }

func putRedeemed(tx market.Tx, r market.RedeemedToken) error {
	_, err := tx.RedeemToken(r.ID, r.ForgetAt)
	return err
}

func usage(tx market.Tx, after *int64, limit int) ([]market.UsageRecord, error) {
	f := market.UsageFilter{Limit: limit}
	if after != nil {
		f.After = *after
	}
	return tx.Usage(f)
}

func usageKey(r *market.UsageRecord) int64 { return r.Position }

func ownUsage(r *market.UsageRecord) { r.Position = 0 }

func countUsage(tx market.Tx) (int64, error) { return tx.CountUsage(market.UsageFilter{}) }

// putUsage adds records. Those that are there already are left as they are.
func putUsage(tx market.Tx, list []market.UsageRecord) error {
	out := make([]market.Appended, len(list))
	if err := tx.AppendUsage(list, out); err != nil {
		return err
	}
	for i := range out {
		if out[i].ID != list[i].ID {
			return fmt.Errorf("in the place of record %s the target has %s", list[i].ID, out[i].ID)
		}
	}
	return nil
}
