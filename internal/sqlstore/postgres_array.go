package sqlstore

import (
	"encoding/binary"
	"fmt"
)

// Arrays in PostgreSQL's binary format, appended to buffers that are used again. Through pgx's own encoding they would cost more than the rest of a
// batch together.

const (
	int8OID  = 20
	byteaOID = 17
)

// binaryFormats says of each parameter, or of all results, that it is in binary.
var binaryFormats = []int16{1, 1, 1, 1, 1, 1}

// beginArray begins an array of one dimension and n elements.
func beginArray(b []byte, element uint32, n int, nulls bool) []byte {
	if n == 0 {
		b = binary.BigEndian.AppendUint32(b, 0) // dimensions
		b = binary.BigEndian.AppendUint32(b, 0)
		return binary.BigEndian.AppendUint32(b, element)
	}
	flag := uint32(0)
	if nulls {
		flag = 1
	}
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint32(b, flag)
	b = binary.BigEndian.AppendUint32(b, element)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return binary.BigEndian.AppendUint32(b, 1) // the index of the first
}

func appendInt64(b []byte, v int64) []byte {
	b = binary.BigEndian.AppendUint32(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(v))
}

func appendNull(b []byte) []byte { return binary.BigEndian.AppendUint32(b, 1<<32-1) }

func appendBytes(b, v []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
	return append(b, v...)
}

// readInt64 reads a bigint.
func readInt64(v []byte) (int64, error) {
	if len(v) != 8 {
		return 0, fmt.Errorf("a number has %d bytes", len(v))
	}
	return int64(binary.BigEndian.Uint64(v)), nil
}

// encode makes columns of the rows that go in.
func (u *usageRows) encode() {
	n := len(u.order)
	undated := false
	for _, i := range u.order {
		undated = undated || !u.rows[i].dated
	}
	c := &u.columns
	for i, element := range [...]uint32{int8OID, byteaOID, int8OID, int8OID, int8OID, byteaOID} {
		c[i] = beginArray(c[i][:0], element, n, i == 4 && undated || i == 5)
	}
	for _, i := range u.order {
		r := &u.rows[i]
		c[0] = appendInt64(c[0], r.key)
		c[1] = appendBytes(c[1], r.id[:])
		c[2] = appendInt64(c[2], r.at)
		c[3] = appendInt64(c[3], r.quantity)
		if r.dated {
			c[4] = appendInt64(c[4], r.submitted)
		} else {
			c[4] = appendNull(c[4])
		}
		if r.allocations == nil {
			c[5] = appendNull(c[5])
		} else {
			c[5] = appendBytes(c[5], r.allocations)
		}
	}
}
