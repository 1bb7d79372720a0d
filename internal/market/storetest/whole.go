package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
)

// Fill puts rows of every kind into an empty store, among them such as a store may be tempted to change: hundreds of most kinds, and as many usage records as
// told. It is no sound marketplace.
func Fill(t testing.TB, s market.Store, records int) {
	t.Helper()
	update(t, s, func(tx market.Tx) error { return putDirectory(tx, oddDirectory()) })
	update(t, s, func(tx market.Tx) error {
		for i, o := range odd() {
			name := fmt.Sprintf("%03d", i)
			when := at(time.Duration(i) * time.Minute)
			key := keyring.Key{ID: keyring.ID{byte(i), 0xff}, Secret: [32]byte{31: byte(i)}, CreatedAt: when, Retired: i%2 == 0}
			if err := errors.Join(
				tx.PutProduct(market.Product{Code: name, ID: name, Title: o, Description: o, TokenLife: time.Duration(i), CreatedAt: when,
					Dimensions: []market.Dimension{{Key: o, Kind: market.Metered, Name: o, Unit: o}, {Key: "e", Kind: market.Entitled, Type: market.Double}}}),
				tx.PutOffer(market.Offer{ID: name, ProductCode: name, Name: o, Buyers: []string{o, ""}, CreatedAt: when,
					Entitlements: []market.Entitlement{{Dimension: o, Value: market.Value{Type: market.Double, Double: 0.1 * float64(i)}}}}),
				tx.PutCustomer(market.Customer{Account: o, Identifier: name, CreatedAt: when}),
				tx.PutTokenKey(key),
				tx.PutSigningKey(market.SigningKey{Version: i + 1, Private: []byte{byte(i), 0, 0xff}, CreatedAt: when}),
				tx.PutRegistration(market.Registration{ProductCode: o, Account: o, Resource: o, Workload: o, Region: o, At: when}),
				tx.PutClientToken(market.ClientToken{Account: o, Token: o, Fingerprint: [32]byte{byte(i)}, RecordID: market.RecordID{byte(i)}}),
				tx.PutSetting(o, "value of "+o),
			); err != nil {
				return err
			}
		}
		return nil
	})
	for first := 0; first < 500; first += 100 {
		update(t, s, func(tx market.Tx) error {
			for i := first; i < first+100; i++ {
				id, when := strconv.Itoa(i), at(-time.Duration(i)*time.Hour)
				a := market.Agreement{ID: "agmt-" + id, ProductCode: "000", LicenseARN: "license-" + id, Status: market.Active, AcceptedAt: when, StartAt: when,
					TermMonths: i % 13, AutoRenew: i%2 == 0, Entitlements: []market.Entitlement{{Dimension: "e", Value: market.Value{Type: market.Text, Text: id}}}}
				_, err := tx.RedeemToken([]byte("token "+id), when)
				if err := errors.Join(err,
					tx.PutAgreement(a),
					tx.AppendEvent(market.Event{AgreementID: a.ID, At: when, Kind: market.EventAccepted, Detail: id}),
					tx.PutClientToken(market.ClientToken{Account: "a", Token: id, RecordID: market.RecordID{15: byte(i)}, ForgetAt: when}),
					tx.PutRegistration(market.Registration{ProductCode: "000", Account: "a", Resource: id, At: when}),
				); err != nil {
					return err
				}
			}
			return nil
		})
	}
	r := rand.New(rand.NewPCG(5, 6))
	var batch []market.UsageRecord
	for i := range records {
		rec := record(i, at(time.Duration(r.IntN(60*24*3))*time.Minute))
		rec.Series = market.Series{Region: "us-east-1", ProductCode: "000", Buyer: strconv.Itoa(i), Dimension: odd()[1+i%30]}
		if i%7 == 0 {
			rec.Allocations = []byte(fmt.Sprint("allocations ", i))
		}
		if i%11 == 0 {
			rec.SubmittedAt = time.Time{}
		}
		if batch = append(batch, rec); len(batch) == 1000 || i == records-1 {
			appendUsage(t, s, batch...)
			batch = batch[:0]
		}
	}
}

// Everything is all that two stores have in common of which one is the other's copy: all but their versions, the settings that are the store's own, and the
// order of usage records within their hour.
func Everything(t testing.TB, s market.Store) any {
	t.Helper()
	c := dump(t, s)
	c.Versions = market.Versions{}
	c.Usage = sortedByID(c.Usage)
	for i := range c.Usage {
		c.Usage[i].Position = 0
	}
	return c
}
