package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"github.com/souk-market/souk/internal/vault"
)

// ErrWrongKey means that the store's secrets are sealed under another key than the one of Config.Vault. The store is left as it is.
var ErrWrongKey = errors.New("the store was sealed under another key")

var (
	errNoVault = errors.New("the key of its secrets is missing")
	errNoProof = errors.New("it has sealed secrets, and no proof of the key: a row of the table vault is lost")
)

// sealedColumn is a column of secrets. No two have the same purposes, and neither have two rows.
type sealedColumn struct {
	table, key, column string
}

var (
	accessKeySecret   = sealedColumn{"access_key", "id", "secret"}
	tokenKeySecret    = sealedColumn{"token_key", "id", "secret"}
	signingKeyPrivate = sealedColumn{"signing_key", "version", "private"}
)

// sealedColumns are all of them.
func sealedColumns() []sealedColumn {
	return []sealedColumn{accessKeySecret, tokenKeySecret, signingKeyPrivate}
}

// of is what a row's secret is sealed for: its place. Errors name it.
func (c sealedColumn) of(key any) string {
	if id, ok := key.([]byte); ok {
		return fmt.Sprintf("%s.%s/%x", c.table, c.column, id)
	}
	return fmt.Sprintf("%s.%s/%v", c.table, c.column, key)
}

// sealed is a row as it is read: with its secret sealed, and so without it.
type sealed[T any] struct {
	row    T
	secret []byte
}

// scanSealed scans the secret first, then the row.
func scanSealed[T any](scan func(*T) []any) func(*sealed[T]) []any {
	return func(s *sealed[T]) []any { return append([]any{bytesColumn{&s.secret}}, scan(&s.row)...) }
}

// seal is a row's secret as the column has it.
func (t *tx) seal(c sealedColumn, key any, secret []byte) []byte {
	return t.conn.vault.Seal(c.of(key), secret)
}

// unseal is a row's secret. An error says which row's it is.
func (t *tx) unseal(op string, c sealedColumn, key any, value []byte) ([]byte, error) {
	secret, err := t.conn.vault.Open(c.of(key), value)
	if err != nil {
		return nil, t.fail(op, fmt.Errorf("%s: %w", c.of(key), err))
	}
	return secret, nil
}

// ownVault is a vault under a key that nobody has, for what does not last.
func ownVault() (*vault.Vault, error) {
	key, err := vault.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	return vault.New(key), nil
}

// unlockOn is unlock on a connection that it takes for that.
func unlockOn(ctx context.Context, db *sql.DB, d *dialect, v *vault.Vault, log *slog.Logger) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	return errors.Join(unlock(ctx, c, d, v, log), c.Close())
}

// proofPlace is the place of the table vault's one row.
const proofPlace = "vault.sealed/proof"

// proof is the table vault's one row; nil while there is none.
func proof(ctx context.Context, c *sql.Conn) (value []byte, err error) {
	err = c.QueryRowContext(ctx, `SELECT sealed FROM vault WHERE name = 'proof'`).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return value, err
}

// prove checks that v has the key that the store is sealed under.
func prove(ctx context.Context, c *sql.Conn, v *vault.Vault) error {
	value, err := proof(ctx, c)
	switch {
	case err != nil:
		return err
	case value == nil:
		return errNoProof
	}
	if _, err := v.Open(proofPlace, value); errors.Is(err, vault.ErrKey) {
		return fmt.Errorf("%w: not under %s", ErrWrongKey, v.ID())
	} else if err != nil {
		return fmt.Errorf("%s: %w", proofPlace, err)
	}
	return nil
}
