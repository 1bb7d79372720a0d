package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-market/souk/internal/market"
)

// The one hot write, in the batched statement that PostgreSQL takes fastest: the columns as arrays, and of each row whether it is new. Only of those that
// are not, the row that is kept is read. Rows go in by the order of their keys, so that two statements never wait for each other crosswise.
const (
	insertUsageRows = `INSERT INTO usage (key, id, at, quantity, submitted_at, allocations)
		SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[])
		ON CONFLICT (key) DO NOTHING RETURNING key`
	selectKeptRows = `SELECT key, id, at, quantity, allocations FROM usage WHERE key = ANY ($1::bigint[])`

	selectSeriesRows = `SELECT n.i, s.id
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY
			AS n (product_code, buyer, resource, license_arn, dimension, region, i)
		JOIN usage_series s ON s.product_code = n.product_code AND s.buyer = n.buyer AND s.resource = n.resource
			AND s.license_arn = n.license_arn AND s.dimension = n.dimension AND s.region = n.region`
	takeSeriesIDs    = `UPDATE counter SET value = value + $1 WHERE name = 'series' RETURNING value`
	insertSeriesRows = `INSERT INTO usage_series (id, product_code, buyer, resource, license_arn, dimension, region)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
		ON CONFLICT (product_code, buyer, resource, license_arn, dimension, region) DO NOTHING`
)

// usageRow is a record on its way into the table. It has nothing of its caller's memory.
type usageRow struct {
	key         int64 // 0 as long as the series' id is not known
	at          int64 // milliseconds
	quantity    int64
	submitted   int64 // milliseconds
	dated       bool  // submitted is not NULL
	id          market.RecordID
	allocations []byte
	hour        int64
	series      market.Series // while key is 0
	first       int           // the row of the same key that stands first, which may be this one
	out         market.Appended
}

// usageRows is what goes in together. It is used again and again, for its room.
type usageRows struct {
	rows  []usageRow
	order []int // of rows: one of each key, by key
	met   map[market.Series]int64
	// columns are the statement's parameters, in PostgreSQL's binary format.
	columns [6][]byte
	missing []int        // of order: rows whose keys were taken
	byKey   []keyedRow   // kept for its room
	recent  *recentUsage // nil within an Update, which may see what is never committed
}

type keyedRow struct {
	key int64
	row int
}

// add copies a batch.
func (u *usageRows) add(batch []market.UsageRecord, keys []int64) {
	for i := range batch {
		r := &batch[i]
		row := usageRow{key: keys[i], at: r.Timestamp.UnixMilli(), quantity: r.Quantity, id: r.ID, hour: r.Hour()}
		if !r.SubmittedAt.IsZero() {
			row.submitted, row.dated = r.SubmittedAt.UnixMilli(), true
		}
		if r.Allocations != nil {
			row.allocations = append([]byte{}, r.Allocations...)
		}
		if row.key == 0 {
			row.series = ownSeries(&r.Series)
		}
		u.rows = append(u.rows, row)
	}
}

func (u *usageRows) reset() {
	clear(u.rows)
	u.rows, u.order, u.missing = u.rows[:0], u.order[:0], u.missing[:0]
	u.met = nil
}

// unknown reports whether there are records of series that are not known.
func (u *usageRows) unknown() bool {
	return slices.ContainsFunc(u.rows, func(r usageRow) bool { return r.key == 0 })
}

// sort puts the rows into the order in which they go in, one of each key: the first.
func (u *usageRows) sort() {
	u.order, u.byKey = u.order[:0], u.byKey[:0]
	for i := range u.rows {
		u.byKey = append(u.byKey, keyedRow{u.rows[i].key, i})
	}
	slices.SortFunc(u.byKey, func(a, b keyedRow) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return a.row - b.row
	})
	for i, k := range u.byKey {
		if i > 0 && u.byKey[i-1].key == k.key {
			u.rows[k.row].first = u.order[len(u.order)-1]
			continue
		}
		u.rows[k.row].first = k.row
		u.order = append(u.order, k.row)
	}
}

// find is where a key is in order.
func (u *usageRows) find(key int64) (int, bool) {
	return slices.BinarySearchFunc(u.order, key, func(i int, key int64) int {
		switch {
		case u.rows[i].key < key:
			return -1
		case u.rows[i].key > key:
			return 1
		}
		return 0
	})
}

// insert adds the rows, whose keys are known, in one statement, and reads what is kept in the place of those that are not new.
//
// doubtful says that they may have come in before: a row that is kept under the id of this record is this record then.
func (u *usageRows) insert(ctx context.Context, pg *pgx.Conn, doubtful bool) error {
	statement, err := prepareUsage(ctx, pg, "souk_insert_usage", insertUsageRows)
	if err != nil {
		return err
	}
	u.encode()
	res := pg.PgConn().ExecPrepared(ctx, statement, u.columns[:], binaryFormats, binaryFormats[:1])
	next := 0
	for res.NextRow() {
		key, err := readInt64(res.Values()[0])
		if err != nil {
			break // Close says what went wrong, if anything did; what is not marked is looked up
		}
		if next >= len(u.order) || u.rows[u.order[next]].key != key { // they come in the order in which they went
			var ok bool
			if next, ok = u.find(key); !ok {
				continue
			}
		}
		row := &u.rows[u.order[next]]
		row.out = market.Appended{Inserted: true, ID: row.id, Timestamp: time.UnixMilli(row.at).UTC(), Quantity: row.quantity, Allocations: row.allocations}
		next++
	}
	if _, err := res.Close(); err != nil {
		return err
	}
	u.missing = u.missing[:0]
	for _, i := range u.order {
		if !u.rows[i].out.Inserted {
			u.missing = append(u.missing, i)
		}
	}
	if len(u.missing) > 0 && u.recent != nil {
		u.recent.fill(u, doubtful)
	}
	if len(u.missing) > 0 {
		if err := u.readKept(ctx, pg, doubtful); err != nil {
			return err
		}
	}
	for i := range u.rows {
		if r := &u.rows[i]; r.first != i {
			r.out = u.rows[r.first].out
			r.out.Inserted = false
		}
	}
	return nil
}

// readKept reads the rows that are kept in the place of the missing.
func (u *usageRows) readKept(ctx context.Context, pg *pgx.Conn, doubtful bool) error {
	statement, err := prepareUsage(ctx, pg, "souk_kept_usage", selectKeptRows)
	if err != nil {
		return err
	}
	keys := beginArray(u.columns[0][:0], int8OID, len(u.missing), false)
	for _, i := range u.missing {
		keys = appendInt64(keys, u.rows[i].key)
	}
	u.columns[0] = keys
	res := pg.PgConn().ExecPrepared(ctx, statement, [][]byte{keys}, binaryFormats[:1], binaryFormats[:1])
	found := 0
	var broken error
	for res.NextRow() {
		v := res.Values()
		key, err := readInt64(v[0])
		at, ok := u.find(key)
		if err != nil || !ok {
			broken = errors.Join(broken, err)
			continue
		}
		row := &u.rows[u.order[at]]
		kept := market.Appended{}
		ms, err := readInt64(v[2])
		quantity, err2 := readInt64(v[3])
		broken = errors.Join(broken, err, err2, scanBytes(kept.ID[:], v[1]))
		kept.Timestamp, kept.Quantity = time.UnixMilli(ms).UTC(), quantity
		if v[4] != nil {
			kept.Allocations = append([]byte{}, v[4]...)
		}
		kept.Inserted = doubtful && kept.ID == row.id
		row.out = kept
		found++
	}
	if _, err := res.Close(); err != nil {
		return err
	}
	if broken == nil && found < len(u.missing) {
		broken = fmt.Errorf("%d records are neither new nor there", len(u.missing)-found)
	}
	return broken
}

// prepareUsage prepares a statement on a connection once.
func prepareUsage(ctx context.Context, pg *pgx.Conn, name, query string) (string, error) {
	d, err := pg.Prepare(ctx, name, query) // which knows those that it prepared
	if err != nil {
		return "", err
	}
	return d.Name, nil
}

// intern fills in the keys of the rows whose series are not known, and adds the series that there are not. It is a part of the transaction that
// is open on pg; the series it met are in met.
func (u *usageRows) intern(ctx context.Context, pg *pgx.Conn) error {
	u.met = make(map[market.Series]int64)
	var unknown []market.Series
	for i := range u.rows {
		if s := u.rows[i].series; u.rows[i].key == 0 {
			if _, ok := u.met[s]; !ok {
				u.met[s] = 0
				unknown = append(unknown, s)
			}
		}
	}
	unknown, err := findSeries(ctx, pg, unknown, u.met)
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		// The counter's row is locked until the commit: those who add series do it one after the other.
		var last int64
		if err := pg.QueryRow(ctx, takeSeriesIDs, len(unknown)).Scan(&last); err != nil {
			return err
		}
		if last > seriesMask {
			return fmt.Errorf("a series' id has more than 32 bits: %d", last)
		}
		ids := make([]int64, len(unknown))
		for i := range ids {
			ids[i] = last - int64(len(ids)-1-i)
		}
		if _, err := pg.Exec(ctx, insertSeriesRows, append([]any{ids}, columnsOf(unknown)...)...); err != nil {
			return err
		}
		if unknown, err = findSeries(ctx, pg, unknown, u.met); err != nil {
			return err
		}
		if len(unknown) > 0 {
			return fmt.Errorf("%d series are neither new nor there", len(unknown))
		}
	}
	for i := range u.rows {
		if r := &u.rows[i]; r.key == 0 {
			r.key = r.hour<<hourShift | u.met[r.series]
		}
	}
	return nil
}

// findSeries fills in the ids of series, and answers those that have none.
func findSeries(ctx context.Context, pg *pgx.Conn, list []market.Series, ids map[market.Series]int64) (unknown []market.Series, err error) {
	rows, err := pg.Query(ctx, selectSeriesRows, columnsOf(list)...)
	if err != nil {
		return nil, err
	}
	var place, id int64
	if _, err := pgx.ForEachRow(rows, []any{&place, &id}, func() error {
		ids[list[place-1]] = id
		return nil
	}); err != nil {
		return nil, err
	}
	for _, s := range list {
		if ids[s] == 0 {
			unknown = append(unknown, s)
		}
	}
	return unknown, nil
}

// columnsOf is series as the arrays of a statement.
func columnsOf(list []market.Series) []any {
	var c [6][]string
	for _, s := range list {
		for i, v := range [...]string{s.ProductCode, s.Buyer, s.Resource, s.LicenseARN, s.Dimension, s.Region} {
			c[i] = append(c[i], v)
		}
	}
	return []any{c[0], c[1], c[2], c[3], c[4], c[5]}
}

// noPartition is what PostgreSQL says of a row whose partition is not there.
func noPartition(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23514" && e.ConstraintName == ""
}
