package awsproto

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var negInf = math.Inf(-1)

// none marks a number that is not whole, and so no integer.
const none = math.MinInt64 + 1

func TestJSONNumbers(t *testing.T) {
	for _, tt := range []struct {
		literal string
		n       int64 // as an integer
		ms      int64 // as a timestamp
	}{
		{"0", 0, 0},
		{"-0", 0, 0},
		{"1767323045", 1767323045, 1767323045000},
		{"1767323045.678", none, 1767323045678},
		{"1.767323045678E9", none, 1767323045678},
		{"1.767323045678e+9", none, 1767323045678},
		{"1767323045678e-3", none, 1767323045678},
		{"1767323045.6784999", none, 1767323045678},
		{"1767323045.6785", none, 1767323045678},
		{"1767323045.678499999999999999999999", none, 1767323045678},
		{"1767323045.123456789", none, 1767323045123}, // Rust sends nanoseconds
		{"-1.5", none, -1500},
		{"-0.0005", none, 0},
		{"-0.00049", none, 0},
		{"0.001", none, 1},
		{"5.5", none, 5500},
		{"1000000000.0000000001E9", none, maxMillis},
		{"1e3", 1000, 1000000},
		{"1e-30", none, 0},
		{"0.0009999999999999999999", none, 1},
		{"0.0004999999999999999999", none, 0},
		{"999999999999999.9994999", none, maxMillis - 1},
		{"999999999999999.9984999", none, maxMillis - 2},
		{"999999999999999.9985", none, maxMillis - 2},
		{"0e999999999999", 0, 0},
		{"9223372036854775807", math.MaxInt64, maxMillis},
		{"9223372036854775808", math.MaxInt64, maxMillis},
		{"-9223372036854775808", math.MinInt64, -maxMillis},
		{"-9223372036854775809", math.MinInt64, -maxMillis},
		{"1e18", 1e18, maxMillis},
		{"1767323045678", 1767323045678, 1767323045678000}, // milliseconds by mistake: far off, and still itself
		{"1e999999999999999999999", math.MaxInt64, maxMillis},
		{"1e-999999999999999999999", none, 0},
		{"-1e400", math.MinInt64, -maxMillis},
		{"0." + strings.Repeat("0", 5000) + "1e5004", 1000, 1000000},
		{"1" + strings.Repeat("0", 5000) + "e-5000", 1, 1000},
	} {
		got, f := decodeTree(JSON11, fmt.Appendf(nil, `{"T":%s}`, tt.literal))
		if f != nil {
			t.Errorf("%.40s: %v", tt.literal, f)
		} else if ms := got.T.UnixMilli(); ms != tt.ms {
			t.Errorf("timestamp %.40s: got %d ms, want %d", tt.literal, ms, tt.ms)
		}
		got, f = decodeTree(JSON11, fmt.Appendf(nil, `{"I":%s}`, tt.literal))
		switch {
		case tt.n == none && (f == nil || f.Message != "DECIMAL_VALUE cannot be converted to Integer"):
			t.Errorf("integer %.40s: got %v, %v", tt.literal, got.I, f)
		case tt.n != none && (f != nil || *got.I != tt.n):
			t.Errorf("integer %.40s: got %v, %v, want %d", tt.literal, got.I, f, tt.n)
		}
	}
}

// Arbitrary precision is the judge.
func TestDecimalAgreesWithRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		literal := rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "literal")
		x, ok := new(big.Rat).SetString(literal)
		if !ok {
			t.Fatal(literal)
		}
		d := parseDecimal([]byte(literal))
		check := func(what string, got int64, want *big.Int) {
			saturated := want
			if !want.IsInt64() {
				saturated = big.NewInt(math.MaxInt64)
				if want.Sign() < 0 {
					saturated = big.NewInt(math.MinInt64)
				}
			}
			if big.NewInt(got).Cmp(saturated) != 0 {
				t.Fatalf("%s of %s: got %d, want %s", what, literal, got, saturated)
			}
		}
		check("integer", d.scale(0), new(big.Int).Quo(x.Num(), x.Denom()))
		ms := new(big.Rat).Mul(x, big.NewRat(1000, 1))
		check("milliseconds", d.scale(3), new(big.Int).Quo(ms.Num(), ms.Denom()))
		if x.Num().CmpAbs(new(big.Int).Mul(x.Denom(), big.NewInt(math.MaxInt64))) < 0 && d.fraction() == x.IsInt() {
			t.Fatalf("%s: fraction %v", literal, d.fraction())
		}
	})
}

// Doubles that are no numbers, and those that JSON writes with an exponent.
func TestDoubles(t *testing.T) {
	for text, f := range map[string]float64{
		`"NaN"`: math.NaN(), `"Infinity"`: math.Inf(1), `"-Infinity"`: negInf, "0": 0, "-2.5": -2.5, "0.000001": 1e-6, "1e-07": 1e-7,
		"100000000000000000000": 1e20, "1e+21": 1e21, "-1.7976931348623157e+308": -math.MaxFloat64, "5e-324": math.SmallestNonzeroFloat64,
	} {
		if got, want := string(encodeTree(JSON11, &tree{D: &f})), `{"D":`+text+`}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for _, p := range []Protocol{JSON11, CBOR} {
			got, fault := decodeTree(p, encodeTree(p, &tree{D: &f}))
			if fault != nil || *got.D != f && !(math.IsNaN(*got.D) && math.IsNaN(f)) {
				t.Errorf("%v: %s became %v, fault %v", p, text, got.D, fault)
			}
		}
	}
}

func TestJSONTimestampText(t *testing.T) {
	for ms, want := range map[int64]string{
		0: "0", 1: "0.001", 10: "0.01", 100: "0.1", 120: "0.12", 105: "0.105", 1000: "1", -1500: "-1.5", -1: "-0.001",
		1767323045678: "1767323045.678", 1767323045000: "1767323045", math.MinInt64: "-9223372036854775.808",
	} {
		if got := string(appendJSONTimestamp(nil, ms)); got != want {
			t.Errorf("%d ms: got %s, want %s", ms, got, want)
		}
	}
}
