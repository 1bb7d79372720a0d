package sqlstore

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/souk-market/souk/internal/market"
)

// While nodes are replaced one by one, those of the version before go on, and can even be started again if the new schema says that they can.
func TestARollingUpgrade(t *testing.T) {
	url := emptyDatabase(t)
	old := openPostgres(t, url)
	put := func(value string) error {
		return old.Update(t.Context(), func(tx market.Tx) error { return tx.PutSetting("by the old node", value) })
	}
	if err := put("before"); err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*old.config)
	defer db.Close()
	newest, err := newestMigration(postgresMigrations)
	if err != nil {
		t.Fatal(err)
	}
	// What a migration may do: add, with defaults.
	migrate := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			if _, err := db.ExecContext(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	migrate(`ALTER TABLE setting ADD COLUMN added TEXT NOT NULL DEFAULT ''`, `ALTER TABLE agreement ADD COLUMN added BIGINT`,
		`ALTER TABLE usage ADD COLUMN added BIGINT NOT NULL DEFAULT 0`, `CREATE TABLE added (id BIGINT NOT NULL PRIMARY KEY)`)
	migrate(`DELETE FROM counter WHERE name = '` + compatibleCounter + `'`) // what the newest of ours says, this one does not
	if _, err := db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, true)`, newest+1); err != nil {
		t.Fatal(err)
	}

	if err := put("after"); err != nil { // with the statements that it has prepared
		t.Errorf("the node of the version before: %v", err)
	}
	out := make([]market.Appended, 1)
	if err := old.AppendUsage(t.Context(), []market.UsageRecord{usageAt(1, firstHour)}, out); err != nil || !out[0].Inserted {
		t.Errorf("the node of the version before: %+v, %v", out, err)
	}
	if err := old.Update(t.Context(), func(tx market.Tx) error { return tx.PutAgreement(market.Agreement{ID: "g"}) }); err != nil {
		t.Errorf("the node of the version before: %v", err)
	}

	reopen := func() error {
		s, err := OpenPostgres(t.Context(), PostgresConfig{URL: url, Vault: testVault()})
		if err != nil {
			return err
		}
		return errors.Join(s.View(t.Context(), func(tx market.Tx) error { _, err := tx.Agreements(market.AgreementFilter{}); return err }), s.Close())
	}
	if err := reopen(); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("a node of the version before was started, without leave: %v", err)
	}
	leave(t, db, newest)
	if err := reopen(); err != nil {
		t.Errorf("a node of the version before was started: %v", err)
	}
	leave(t, db, newest+1)
	if err := reopen(); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("a node of the version before was started, against the schema's word: %v", err)
	}
}

// leave says from which version on nodes can work on the schema.
func leave(t *testing.T, db *sql.DB, from int64) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), `INSERT INTO counter (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
		compatibleCounter, from)
	if err != nil {
		t.Fatal(err)
	}
}
