package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"time"
)

// sum is a checksum over rows, in whatever order they come: how many they are, and their SHA-256 added up as numbers of 256 bits. Stores list usage records in
// orders of their own.
type sum struct {
	rows  int64
	total [4]uint64
	room  []byte // of addRow
}

// same reports whether two sums are of the same rows.
func (s *sum) same(other *sum) bool { return s.rows == other.rows && s.total == other.total }

// addRow adds a row that row points to.
func addRow[T any](s *sum, row *T) {
	s.room = appendValue(s.room[:0], reflect.ValueOf(row).Elem())
	h := sha256.Sum256(s.room)
	var carry uint64
	for i := range s.total {
		s.total[i], carry = bits.Add64(s.total[i], binary.LittleEndian.Uint64(h[i*8:]), carry)
	}
	s.rows++
}

// append writes the sum down.
func (s *sum) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.rows))
	for _, part := range s.total {
		b = binary.BigEndian.AppendUint64(b, part)
	}
	return b
}

// appendValue appends v, which must be addressable, with all fields that it has, so that no two values of a type are the same bytes. Times are the instants
// to the millisecond, as stores keep them; a nil slice is not an empty one.
//
// It goes by reflection, so that a field which is added to a row some day is compared without anybody's thinking of it.
func appendValue(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.BigEndian.AppendUint64(b, uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.BigEndian.AppendUint64(b, v.Uint())
	case reflect.Float64:
		return binary.BigEndian.AppendUint64(b, math.Float64bits(v.Float()))
	case reflect.String:
		s := v.String()
		return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
	case reflect.Slice:
		if v.IsNil() {
			return append(b, 0)
		}
		b = binary.BigEndian.AppendUint64(append(b, 1), uint64(v.Len()))
		return appendElements(b, v)
	case reflect.Array:
		return appendElements(b, v)
	case reflect.Map:
		if v.IsNil() {
			return append(b, 0)
		}
		b = binary.BigEndian.AppendUint64(append(b, 1), uint64(v.Len()))
		return appendMembers(b, v)
	case reflect.Struct:
		if t, ok := v.Addr().Interface().(*time.Time); ok {
			if t.IsZero() {
				return append(b, 0)
			}
			return binary.BigEndian.AppendUint64(append(b, 1), uint64(t.UnixMilli()))
		}
		for i := range v.NumField() {
			b = appendValue(b, v.Field(i))
		}
		return b
	case reflect.Pointer: // UsageRecord.Number, where a store may leave something: in what was read there is none
		if v.IsNil() {
			return append(b, 0)
		}
	}
	panic(fmt.Sprintf("transfer: a row has a %s", v.Type()))
}

func appendElements(b []byte, v reflect.Value) []byte {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return append(b, v.Bytes()...)
	}
	for i := range v.Len() {
		b = appendValue(b, v.Index(i))
	}
	return b
}

// appendMembers appends a map of text, in the order of its keys. Its members are copied, since those of a map cannot be addressed.
func appendMembers(b []byte, v reflect.Value) []byte {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
	member := reflect.New(v.Type().Elem()).Elem()
	for _, key := range keys {
		member.Set(v.MapIndex(key))
		b = appendValue(appendValue(b, key), member)
	}
	return b
}
