package sqlstore

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// storeOf makes a store as the binary made it that knew nothing but the first so many migrations, and fills it.
func storeOf(t *testing.T, newest int64, fill string) (path string) {
	t.Helper()
	files, err := migrations.ReadDir(sqliteMigrations)
	if err != nil {
		t.Fatal(err)
	}
	known := fstest.MapFS{}
	for _, f := range files {
		v, err := goose.NumericComponent(f.Name())
		if err == nil && v <= newest {
			known[f.Name()] = &fstest.MapFile{}
			known[f.Name()].Data, err = migrations.ReadFile(sqliteMigrations + "/" + f.Name())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(t.TempDir(), "souk.db")
	db, err := sql.Open("sqlite", dsn(path, "_journal_mode=WAL&_pragma=page_size(16384)"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectSQLite3, db, known, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), fill); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAStoreFromBeforeMeteringGoesOn(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Config{Vault: testVault(), Path: storeOf(t, 1, `
		INSERT INTO identity VALUES ('user', 'a', 'u', '[]', 'null', ''), ('role', 'a', 'r', 'null', '["x"]', 'b');
		INSERT INTO offer VALUES ('o', 'p', 'public', 'n', 0, 1000);
		INSERT INTO agreement VALUES
			('started',   'p', 'o', 's', 'b', 'ACTIVE',    0, 'l1', 1000, 2000, NULL),
			('accepted',  'p', 'o', 's', 'b', 'ACTIVE',    1, 'l2', 1500, NULL, 5000),
			('timeless',  'p', 'o', 's', 'b', 'ACTIVE',    0, 'l3', NULL, NULL, NULL),
			('cancelled', 'p', 'o', 's', 'b', 'CANCELLED', 0, 'l4', 1000, 2000, 3000),
			('expired',   'p', 'o', 's', 'b', 'EXPIRED',   0, 'l5', 1000, 2000, 3000);`)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	agreement := func(id, license string, status market.Status, phase market.Phase) market.Agreement {
		return market.Agreement{
			ID: id, ProductCode: "p", OfferID: "o", Seller: "s", Buyer: "b", Status: status, Intent: market.IntentNew, LicenseARN: license, Phase: phase,
		}
	}
	started := agreement("started", "l1", market.Active, market.Scheduled)
	started.AcceptedAt, started.StartAt, started.DueAt = at(1000), at(2000), at(2000)
	accepted := agreement("accepted", "l2", market.Active, market.Scheduled)
	accepted.FreeTrial, accepted.AcceptedAt, accepted.EndAt, accepted.DueAt = true, at(1500), at(5000), at(1500)
	timeless := agreement("timeless", "l3", market.Active, market.Scheduled)
	timeless.DueAt = at(0)
	cancelled := agreement("cancelled", "l4", market.Cancelled, market.ClosedDown)
	expired := agreement("expired", "l5", market.Expired, market.ClosedDown)
	for _, a := range []*market.Agreement{&cancelled, &expired} {
		a.AcceptedAt, a.StartAt, a.EndAt = at(1000), at(2000), at(3000)
	}
	err = s.Update(t.Context(), func(tx market.Tx) error {
		equal := func(got, want any, err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		list, err := tx.Agreements(market.AgreementFilter{ByID: true})
		equal(list, []market.Agreement{accepted, cancelled, expired, started, timeless}, err)
		for _, want := range []market.Agreement{timeless, accepted, started} { // as the runner will meet them
			next, ok, err := tx.NextDue()
			if !ok {
				t.Errorf("not due: %s", want.ID)
			}
			equal(next, want, err)
			want.DueAt = time.Time{}
			if err := tx.PutAgreement(want); err != nil {
				return err
			}
		}
		offers, err := tx.Offers("")
		equal(offers, []market.Offer{{ID: "o", ProductCode: "p", Kind: market.PublicOffer, Name: "n", CreatedAt: at(1000)}}, err)
		dir, err := tx.Directory()
		equal(dir.Users, []account.User{{Identity: account.Identity{Account: "a", Name: "u", Inline: []account.Inline{}}}}, err)
		equal(dir.Roles, []account.Role{{Identity: account.Identity{Account: "a", Name: "r", Attached: []string{"x"}, Boundary: "b"}}}, err)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if got := appendNamed(t, s, "a", "a"); got != "new old " {
		t.Errorf("outcomes: %s", got)
	}
}

// plan is how SQLite goes about a query, step by step.
func plan(t *testing.T, s *Store, query string, args ...any) (steps []string) {
	t.Helper()
	err := s.View(t.Context(), func(mtx market.Tx) error {
		rows, err := list(mtx.(*tx), "explain", "EXPLAIN QUERY PLAN "+query, func(r *[4]string) []any { return []any{&r[0], &r[1], &r[2], &r[3]} }, args...)
		for _, r := range rows {
			steps = append(steps, r[3])
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return steps
}

func TestUsageIsReadInTheOrderOfItsKeysOrByThem(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	hour := firstHour
	for _, f := range []market.UsageFilter{
		{}, {After: 1}, {From: hour}, {To: hour}, {From: hour, To: hour, After: 1},
		{ProductCode: "p", Buyer: "b"}, {ProductCode: "p", Buyer: "b", LicenseARN: "l", Dimension: "d", Region: "r"},
	} {
		w := whereUsage(f)
		want := []string{"SCAN u", "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"}
		if f.After != 0 || !f.From.IsZero() || !f.To.IsZero() {
			want[0] = "SEARCH u USING INTEGER PRIMARY KEY (rowid>?)"
			if !f.To.IsZero() {
				want[0] = "SEARCH u USING INTEGER PRIMARY KEY (rowid<?)"
			}
			if !f.To.IsZero() && !f.From.IsZero() {
				want[0] = "SEARCH u USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
			}
		}
		got := plan(t, s, selectUsage+fromUsage+w.clause()+" ORDER BY u.key"+w.limit(10), w.args...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", f, diff)
		}
	}
	from, w := lookUpUsage(market.UsageFilter{ProductCode: "p", BuyerAfter: "a", BuyerThrough: "b", From: hour, To: hour.Add(24 * time.Hour)})
	got := plan(t, s, "SELECT s.buyer, t.h, "+sumsUsage+from+w.clause()+" GROUP BY 1, 2", w.args...)
	for _, want := range []string{
		"SEARCH s USING COVERING INDEX sqlite_autoindex_usage_series_1 (product_code=? AND buyer>? AND buyer<?)", "SEARCH u USING INTEGER PRIMARY KEY (rowid=?)",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("look-ups do not %s, but:\n%s", want, strings.Join(got, "\n"))
		}
	}
	const index = "USING COVERING INDEX sqlite_autoindex_usage_series_1 (product_code=? AND buyer=? AND resource=?)"
	for _, tt := range []struct {
		query string
		args  []any
		want  []string
	}{
		{selectMeteredWays, []any{"p", "b"}, []string{
			"SCAN CONSTANT ROW",
			"SCALAR SUBQUERY 1", "SEARCH usage_series " + strings.Replace(index, ")", " AND license_arn=?)", 1),
			"SCALAR SUBQUERY 2", "SEARCH usage_series " + strings.Replace(index, ")", " AND license_arn>?)", 1),
		}},
		{selectMeteredIn, []any{"p", "b", true, 1}, []string{
			"SCAN CONSTANT ROW", "SCALAR SUBQUERY 1", "SEARCH s " + index, "SEARCH u USING INTEGER PRIMARY KEY (rowid=?)",
		}},
		{selectNextDue, nil, []string{"SEARCH agreement USING INDEX agreement_due (due_at>?)"}},
		{selectEvents + " WHERE agreement_id = 'a' AND seq > 1 ORDER BY seq LIMIT 10", nil, []string{
			"SEARCH agreement_event USING INDEX agreement_event_agreement (agreement_id=? AND seq>?)",
		}},
		{selectAgreements + " WHERE product_code = 'p' AND id > 'a' ORDER BY id LIMIT 10", nil, []string{
			"SEARCH agreement USING INDEX agreement_product_id (product_code=? AND id>?)",
		}},
	} {
		if diff := cmp.Diff(tt.want, plan(t, s, tt.query, tt.args...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
	}
}
