package awsproto

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"
)

// appendCBORHead writes the shortest head.
func appendCBORHead(dst []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= math.MaxUint8:
		return append(dst, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}

func appendCBORText[T ~string | ~[]byte](dst []byte, s T) []byte {
	start := len(dst)
	dst = append(appendCBORHead(dst, cborText, uint64(len(s))), s...)
	if utf8.Valid(dst[len(dst)-len(s):]) {
		return dst
	}
	valid := strings.ToValidUTF8(string(s), "\uFFFD")
	return append(appendCBORHead(dst[:start], cborText, uint64(len(valid))), valid...)
}

func appendCBORInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendCBORHead(dst, cborNegative, uint64(-1-n))
	}
	return appendCBORHead(dst, cborUint, uint64(n))
}

// appendCBORDouble writes four bytes where they lose nothing, never two: half floats are not read everywhere.
func appendCBORDouble(dst []byte, f float64) []byte {
	if g := float32(f); float64(g) == f {
		return binary.BigEndian.AppendUint32(append(dst, cborSimple<<5|simpleFloat32), math.Float32bits(g))
	}
	return binary.BigEndian.AppendUint64(append(dst, cborSimple<<5|simpleFloat64), math.Float64bits(f))
}

// appendCBORTimestamp writes the tag, without which the Go SDK refuses to read a timestamp.
func appendCBORTimestamp(dst []byte, ms int64) []byte {
	dst = append(dst, cborTag<<5|tagEpoch)
	if ms%1000 == 0 {
		return appendCBORInt(dst, ms/1000)
	}
	return appendCBORDouble(dst, float64(ms)/1000)
}
