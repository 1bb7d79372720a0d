package storetest

import (
	"testing"

	"github.com/souk-market/souk/internal/market"
)

// moves says which version each write moves on; those that are not here move none.
var moves = map[string]func(*market.Versions) *int64{
	"PutAccount":    directoryVersion,
	"PutPolicy":     directoryVersion,
	"PutUser":       directoryVersion,
	"PutRole":       directoryVersion,
	"PutAccessKey":  directoryVersion,
	"PutTokenKey":   houseVersion,
	"PutSigningKey": houseVersion,
	"PutSetting":    houseVersion,
	"DropSetting":   houseVersion,
	"PutProduct":    func(v *market.Versions) *int64 { return &v.Catalog },
	"AppendEvent":   func(v *market.Versions) *int64 { return &v.Event },
}

func directoryVersion(v *market.Versions) *int64 { return &v.Directory }
func houseVersion(v *market.Versions) *int64     { return &v.House }

var versionTests = []test{
	{"each grows with every write to what it stands for, and with no other", func(t *testing.T, s market.Store) {
		for range 2 { // rows that are new, and rows that are replaced
			for _, w := range writes {
				before := read(t, s, market.Tx.Versions)
				var within market.Versions
				update(t, s, func(tx market.Tx) (err error) {
					if err := w.run(tx); err != nil {
						return err
					}
					within, err = tx.Versions()
					return err
				})
				after := read(t, s, market.Tx.Versions)
				if after != within {
					t.Errorf("%s: %+v within the Update, %+v after it", w.name, within, after)
				}
				if move := moves[w.name]; move != nil {
					if *move(&after) <= *move(&before) {
						t.Errorf("%s: %+v, then %+v", w.name, before, after)
					}
					*move(&after) = *move(&before)
				}
				if after != before {
					t.Errorf("%s moves others too: %+v, then %+v", w.name, before, after)
				}
			}
		}
	}},
	{"what is undone moves none", func(t *testing.T, s market.Store) {
		before := read(t, s, market.Tx.Versions)
		for _, w := range writes {
			if err := s.Update(t.Context(), func(tx market.Tx) error {
				if err := w.run(tx); err != nil {
					return err
				}
				return errMade
			}); err != errMade {
				t.Fatal(err)
			}
		}
		if after := read(t, s, market.Tx.Versions); after != before {
			t.Errorf("%+v, then %+v", before, after)
		}
	}},
	{"Event is the highest Seq", func(t *testing.T, s market.Store) {
		update(t, s, func(tx market.Tx) error { return tx.AppendEvent(market.Event{AgreementID: "g"}) })
		list := events(t, s, market.EventFilter{})
		if v := read(t, s, market.Tx.Versions); v.Event != list[len(list)-1].Seq {
			t.Errorf("%d, and events %+v", v.Event, list)
		}
	}},
}
