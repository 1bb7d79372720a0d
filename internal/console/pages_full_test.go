package console_test

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/vault"
)

// fullSize is how much there is in a store to page through.
type fullSize struct{ products, buyers, agreements, records, requests int }

// full is the pages of a store with a lot in it.
type full struct {
	testing.TB
	mux    *http.ServeMux
	assets map[string]int // bytes by address, of those asked for so far
}

// What the store holds: months of hours up to fullNow, and agreements by number. The first of each buyer is of the legacy product.
const fullHours = 30 * 24

var fullNow = time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC)

func fullAgreement(i int) string { return fmt.Sprintf("agmt-%025d", i) }
func fullBuyer(i int) string     { return fmt.Sprintf("3%011d", i) }
func fullLicense(i int) string {
	return fmt.Sprintf("arn:aws:license-manager::294406891311:license:l-%032d", i)
}

func fullWorld(size fullSize) market.World {
	w := suiteWorld()
	w.Directory.Policies, w.Directory.Users = peopledWorld().Directory.Policies, peopledWorld().Directory.Users
	w.Directory.Roles, w.Directory.Keys = peopledWorld().Directory.Roles, peopledWorld().Directory.Keys
	for i := range size.buyers {
		w.Directory.Accounts = append(w.Directory.Accounts, account.Account{ID: fullBuyer(i), Name: fmt.Sprint("Buyer number ", i), Buyer: true})
	}
	for _, key := range []string{"queries", "seats-over", "support"} {
		w.Products[0].Dimensions = append(w.Products[0].Dimensions, market.Dimension{Key: key, Kind: market.Metered, Name: "How many " + key, Unit: "Units", Price: "0.0125"})
	}
	for i := range size.products {
		w.Products = append(w.Products, market.Product{
			Code: fmt.Sprintf("product%018d", i), ID: fmt.Sprintf("prod-%013d", i), Seller: seller, Title: fmt.Sprint("Tool number ", i), Kind: market.ConcurrentAgreements,
			Description: "One of the tools that there are so many of, with a paragraph that says what it is good for and for whom.\nAnd another one.",
			Dimensions:  []market.Dimension{{Key: "seats", Kind: market.Entitled, Name: "Seats", Unit: "Users"}},
		})
	}
	return w
}

// newFull makes one, over a store in a file.
func newFull(tb testing.TB, size fullSize) *full {
	tb.Helper()
	store, err := sqlstore.Open(tb.Context(), sqlstore.Config{Path: filepath.Join(tb.TempDir(), "souk.db"), Create: true, Vault: vault.New(vault.Key{1})})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { store.Close() })
	clk := clock.New(func() time.Time { return fullNow })
	directory, ring := new(account.Directory), new(keyring.Ring)
	service, err := market.Open(tb.Context(), market.Config{
		Store: store, Directory: directory, Ring: ring, Rand: rand.Reader, Now: clk.Now, BuiltinRegistrationURL: builtin,
	})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := service.ApplyWorld(tb.Context(), market.Operator(), fullWorld(size)); err != nil {
		tb.Fatal(err)
	}
	fillAgreements(tb, store, size)
	fillUsage(tb, store, size)
	f := &full{TB: tb, mux: http.NewServeMux(), assets: map[string]int{}}
	console.New(console.Config{
		Service: service, Log: bigLog(size.requests), Environment: sampleEnvironment(), Clock: clk, Faults: fault.New(fault.Config{Seed: 7}),
		Credentials: &account.Credentials{Directory: directory}, Export: http.NotFoundHandler(), Replay: http.DefaultTransport.RoundTrip,
	}).Register(f.mux)
	return f
}

// fillAgreements writes them, and what happened to each.
func fillAgreements(tb testing.TB, store *sqlstore.Store, size fullSize) {
	tb.Helper()
	begin := fullNow.AddDate(0, -3, 0)
	for part := range slices.Chunk(slices.Collect(numbers(size.agreements)), 5000) {
		if err := store.Update(tb.Context(), func(tx market.Tx) error {
			for _, i := range part {
				a := market.Agreement{
					ID: fullAgreement(i), ProductCode: suite, OfferID: yearly, Seller: seller, Buyer: fullBuyer(i % size.buyers), Status: market.Active, Intent: market.IntentNew,
					LicenseARN: fullLicense(i), AcceptedAt: begin.Add(time.Duration(i) * time.Second), StartAt: begin.Add(time.Duration(i) * time.Second), Phase: market.Running,
				}
				switch {
				case i < size.buyers:
					a.ProductCode, a.OfferID = legacy, ""
				default:
					a.EndAt, a.TermMonths = a.StartAt.AddDate(1, 0, 0), 12
					a.Entitlements = []market.Entitlement{{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: 5}}}
					a.DueAt = a.EndAt
				}
				if i >= size.buyers && i%10 > 0 {
					a.Status, a.EndAt, a.Phase, a.DueAt = market.Cancelled, a.StartAt.AddDate(0, 0, 1), market.ClosedDown, time.Time{}
				}
				if err := tx.PutAgreement(a); err != nil {
					return err
				}
				if err := tx.AppendEvent(market.Event{AgreementID: a.ID, At: a.AcceptedAt, Kind: market.EventAccepted, Detail: "offer " + a.OfferID}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			tb.Fatal(err)
		}
	}
}

func numbers(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// fillUsage writes the same series in every hour, half of them of the legacy product by its code, half of the suite by license. Some buyers are not
// heard of any more for the last days.
func fillUsage(tb testing.TB, store *sqlstore.Store, size fullSize) {
	tb.Helper()
	dimensions := fullWorld(fullSize{}).Products[0].Dimensions
	series := size.records / fullHours
	records, out := make([]market.UsageRecord, series), make([]market.Appended, series)
	for hour := range fullHours {
		at := fullNow.Add(time.Duration(hour-fullHours+1) * time.Hour)
		for k := range records {
			r := &records[k]
			*r = market.UsageRecord{
				Series:    market.Series{Region: "us-east-1", ProductCode: legacy, Buyer: fullBuyer(k / 8 % size.buyers), Dimension: dimensions[k/2%4].Key},
				Timestamp: at, SubmittedAt: at, Quantity: int64(hour * k % 1000),
			}
			if k%2 == 1 {
				license := size.buyers + k
				r.Series.ProductCode, r.Series.Buyer, r.Series.LicenseARN, r.Series.Dimension = suite, fullBuyer(license%size.buyers), fullLicense(license), "calls"
			}
			binary.BigEndian.PutUint64(r.ID[:], uint64(hour*series+k)+1)
		}
		heard := records
		if hour > fullHours-100 {
			heard = slices.DeleteFunc(slices.Clone(records), func(r market.UsageRecord) bool { return r.Series.Buyer[11]%3 == 0 })
		}
		if err := store.AppendUsage(tb.Context(), heard, out[:len(heard)]); err != nil {
			tb.Fatal(err)
		}
	}
}

// get asks for a page. The answer's size is that of all that a browser loads for it, uncompressed.
func (f *full) get(path string) (body string, size int) {
	f.Helper()
	w := httptest.NewRecorder()
	f.mux.ServeHTTP(w, httptest.NewRequestWithContext(f.Context(), http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		f.Fatalf("%s: status %d:\n%s", path, w.Code, w.Body)
	}
	return w.Body.String(), w.Body.Len()
}

var assetAddress = regexp.MustCompile(`(?:href|src)="(/assets/[^"]*)"`)

// weigh is how much a browser loads for a page, uncompressed: the page, its style sheets, its scripts, its icon.
func (f *full) weigh(body string) int {
	f.Helper()
	size := len(body)
	for _, m := range assetAddress.FindAllStringSubmatch(body, -1) {
		if _, had := f.assets[m[1]]; !had {
			_, f.assets[m[1]] = f.get(m[1])
		}
		size += f.assets[m[1]]
	}
	return size
}

// fullPages are the addresses of every page, by what they are like.
func fullPages(size fullSize) map[string]string {
	last := fullAgreement(size.agreements - 60)
	position := fmt.Sprint((market.HourOf(fullNow) - 24) << 32)
	request := fmt.Sprintf("/requests/a7dbf4d4-dd4d-4586-b247-%012d", size.requests/2)
	live := size.buyers + 11 // of an agreement with usage
	return map[string]string{
		"products": "/", "product": "/products/" + legacy, "product/suite": "/products/" + suite,
		"sell": "/sell", "product/new": "/new/product", "product/edit": "/products/" + suite + "/edit", "product/clone": "/products/" + suite + "/clone", "product/try": "/products/" + legacy + "/try",
		"offer/new": "/products/" + suite + "/offers/new", "offer/edit": "/products/" + suite + "/offers/" + yearly + "/edit",
		"subscriptions": "/subscriptions", "subscriptions/last": "/subscriptions?after=" + last, "subscriptions/buyer": "/subscriptions?buyer=" + fullBuyer(7),
		"subscription": "/subscriptions/" + fullAgreement(1), "start": "/start", "start/state": "/start/state",
		"agreements": "/agreements", "agreements/last": "/agreements?after=" + last, "agreements/product": "/agreements?product=" + suite + "&after=" + last,
		"agreements/active": "/agreements?status=ACTIVE&product=" + suite, "agreements/none": "/agreements?status=TERMINATED", "agreements/buyer": "/agreements?buyer=" + fullBuyer(7),
		"agreements/both": "/agreements?product=" + suite + "&buyer=" + fullBuyer(7), "agreement": "/agreements/" + fullAgreement(live), "agreement/legacy": "/agreements/" + fullAgreement(1),
		"agreement/final-hour": "/agreements/" + fullAgreement(live) + "/final-hour",
		"usage":                "/usage?product=" + legacy, "usage/week": "/usage?hours=168&product=" + legacy, "usage/last-buyers": "/usage?product=" + suite + "&after=" + fullBuyer(size.records/fullHours/2),
		"usage/buyer": "/usage?product=" + legacy + "&buyer=" + fullBuyer(7), "usage/suite": "/usage?hours=48&product=" + suite,
		"records": "/usage/records", "records/last": "/usage/records?from=2026-11-01&after=" + position, "records/buyer": "/usage/records?product=" + suite + "&buyer=" + fullBuyer(11),
		"records/dimension": "/usage/records?from=2026-11-01&dimension=support", "records/none": "/usage/records?from=2026-11-01&dimension=nothing",
		"requests": "/requests", "requests/oldest": "/requests?before=60", "requests/none": "/requests?q=nowhere", "request": request,
		"world": "/world", "world/last": "/world?after=" + fullBuyer(size.buyers-20), "world/account": "/world/accounts/" + seller, "world/policies": "/world/policies",
		"world/policy": "/world/policy?of=" + url.QueryEscape(policyARN), "world/evaluate": "/world/evaluate", "world/clock": "/world/clock", "world/faults": "/world/faults",
	}
}
