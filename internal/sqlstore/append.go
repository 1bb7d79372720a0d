package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// The one hot write. It goes round database/sql to the driver's own prepared statements.
//
// Rows go in one by one. That is faster than many rows a statement, and says of each whether it is new: none is changed when its key is
// taken, and only then the row that is kept is read.

const (
	// Parameters without numbers, which the driver need not look up by name for every row.
	insertUsage = `INSERT INTO usage (key, id, at, quantity, submitted_at, allocations) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`
	selectKept  = `SELECT id, at, quantity, allocations FROM usage WHERE key = ?`

	selectSeries = `SELECT id FROM usage_series
		WHERE product_code = ? AND buyer = ? AND resource = ? AND license_arn = ? AND dimension = ? AND region = ?`
	insertSeries = `INSERT INTO usage_series (product_code, buyer, resource, license_arn, dimension, region) VALUES (?, ?, ?, ?, ?, ?)`
)

const (
	hourShift  = 32
	seriesMask = 1<<hourShift - 1
	// maxHour is the last hour that fits into a key; it is in the year 246953.
	maxHour = 1<<31 - 1
)

// errRoom is a batch without as many outcomes.
var errRoom = errors.New("batch and out are not as long as each other")

// rawStmt is a statement of the driver.
type rawStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// appender adds usage records on the writer's connection, in the transaction that is open there. Who has the connection has the appender too.
type appender struct {
	conn  *conn
	known *seriesCache
	met   interned
	// Prepared with the first record. They are used within the connection's Raw only, and closed with it.
	insert, kept, findSeries, addSeries rawStmt

	// What append works with, kept so that a row does not cost the room for it.
	run      func(driverConn any) error // is runBatch
	batch    []market.UsageRecord
	keys     []int64
	out      []market.Appended
	inserted int
	row      [6]driver.NamedValue // of insert
	id       market.RecordID      // what row[1] refers to
	at       [1]driver.NamedValue // of kept
	names    [6]driver.NamedValue // of findSeries and addSeries
}

func newAppender(c *conn) *appender {
	a := &appender{conn: c, known: &seriesCache{}, met: interned{ids: map[market.Series]int64{}}}
	a.run = a.runBatch
	for _, args := range [][]driver.NamedValue{a.row[:], a.at[:], a.names[:]} {
		for i := range args {
			args[i].Ordinal = i + 1
		}
	}
	a.row[1].Value = a.id[:]
	return a
}

// append adds the records of a batch, whose keys seriesCache.keys has begun to fill in, and answers how many were new. After an error
// nobody knows how far it came: the transaction, or the savepoint, must be undone.
func (a *appender) append(batch []market.UsageRecord, keys []int64, out []market.Appended) (inserted int, err error) {
	a.batch, a.keys, a.out, a.inserted = batch, keys, out, 0
	err = a.conn.sql.Raw(a.run)
	a.batch, a.keys, a.out = nil, nil, nil
	return a.inserted, err
}

// appendWithin is append for a batch that is a part of an Update.
func (a *appender) appendWithin(batch []market.UsageRecord, out []market.Appended) error {
	keys := make([]int64, len(batch))
	if _, err := a.known.keys(batch, keys); err != nil {
		return err
	}
	_, err := a.append(batch, keys, out)
	return err
}

func (a *appender) runBatch(driverConn any) error {
	if a.insert == nil {
		if err := a.prepare(driverConn); err != nil {
			return err
		}
	}
	for i := range a.batch {
		if err := a.add(&a.batch[i], a.keys[i], &a.out[i]); err != nil {
			return err
		}
	}
	return nil
}

// prepare prepares the statements. insert comes last: it is there when all are.
func (a *appender) prepare(driverConn any) error {
	for _, st := range []struct {
		to    *rawStmt
		query string
	}{{&a.kept, selectKept}, {&a.findSeries, selectSeries}, {&a.addSeries, insertSeries}, {&a.insert, insertUsage}} {
		if *st.to != nil {
			continue
		}
		s, err := driverConn.(driver.Conn).Prepare(st.query)
		if err != nil {
			return err
		}
		*st.to = s.(rawStmt)
	}
	return nil
}

// add adds one record, or finds the one that is kept in its place.
func (a *appender) add(r *market.UsageRecord, key int64, out *market.Appended) error {
	if key == 0 {
		series, err := a.intern(&r.Series)
		if err != nil {
			return err
		}
		key = r.Hour()<<hourShift | series
	}
	at := r.Timestamp.UnixMilli()
	isNew, err := a.insertRow(key, at, r)
	if err != nil {
		return err
	}
	if isNew {
		a.inserted++
		*out = market.Appended{Inserted: true, ID: r.ID, Timestamp: time.UnixMilli(at).UTC(), Quantity: r.Quantity, Allocations: r.Allocations}
		return nil
	}
	return a.readKept(key, out)
}

// insertRow answers whether the row is new.
func (a *appender) insertRow(key, at int64, r *market.UsageRecord) (bool, error) {
	a.id = r.ID
	setInt(&a.row[0].Value, key)
	setInt(&a.row[2].Value, at)
	setInt(&a.row[3].Value, r.Quantity)
	if r.SubmittedAt.IsZero() {
		a.row[4].Value = nil
	} else {
		setInt(&a.row[4].Value, r.SubmittedAt.UnixMilli())
	}
	a.row[5].Value = nil
	if r.Allocations != nil {
		a.row[5].Value = r.Allocations
	}
	res, err := a.insert.ExecContext(context.Background(), a.row[:])
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// setInt sets *v. It makes no new value of the same number: records of a batch have much in common.
func setInt(v *driver.Value, n int64) {
	if old, ok := (*v).(int64); !ok || old != n {
		*v = n
	}
}

func (a *appender) readKept(key int64, out *market.Appended) error {
	a.at[0].Value = key
	var row [4]driver.Value
	found, err := first(a.kept, a.at[:], row[:])
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("the record of key %d is neither new nor there", key)
	}
	*out = market.Appended{}
	quantity, ok := row[2].(int64)
	if !ok {
		return fmt.Errorf("a quantity is stored as %T", row[2])
	}
	out.Quantity = quantity
	return errors.Join(recordIDColumn{&out.ID}.Scan(row[0]), timeColumn{&out.Timestamp}.Scan(row[1]), bytesColumn{&out.Allocations}.Scan(row[3]))
}

// first reads the first row of a query, if it has any.
func first(st rawStmt, args []driver.NamedValue, row []driver.Value) (found bool, err error) {
	rows, err := st.QueryContext(context.Background(), args)
	if err != nil {
		return false, err
	}
	err = rows.Next(row)
	found = err == nil
	if err == io.EOF {
		err = nil
	}
	return found, errors.Join(err, rows.Close())
}

// close closes the statements.
func (a *appender) close() error {
	return a.conn.sql.Raw(func(any) error {
		var errs []error
		for _, st := range []rawStmt{a.insert, a.kept, a.findSeries, a.addSeries} {
			if st != nil {
				errs = append(errs, st.Close())
			}
		}
		return errors.Join(errs...)
	})
}
