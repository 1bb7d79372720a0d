package awsproto

import (
	"math"
	"strings"
	"testing"
)

func TestViolations(t *testing.T) {
	records := At("usageRecords")
	record := records.Element(0)
	allocations := record.Member("usageAllocations")
	allocation := allocations.Element(11)
	for _, tt := range []struct {
		name  string
		check func(v *Violations)
		want  string // without the count
	}{
		{"null", func(v *Violations) { v.NotNull(At("roleArn"), false) }, "Value null at 'roleArn' failed to satisfy constraint: Member must not be null"},
		{"not null", func(v *Violations) { v.NotNull(At("roleArn"), true) }, ""},
		{"member of an element", func(v *Violations) { v.NotNull(record.Member("timestamp"), false) },
			"Value null at 'usageRecords.1.member.timestamp' failed to satisfy constraint: Member must not be null"},
		{"element", func(v *Violations) { v.NotNull(record, false) }, "Value null at 'usageRecords.1.member' failed to satisfy constraint: Member must not be null"},
		{"element of an element", func(v *Violations) { v.Range(allocation.Member("allocatedUsageQuantity"), -1, 0, math.MaxInt32) },
			"Value '-1' at 'usageRecords.1.member.usageAllocations.12.member.allocatedUsageQuantity' failed to satisfy constraint: Member must have value greater than or equal to 0"},
		{"above the range", func(v *Violations) { v.Range(At("q"), math.MaxInt32+1, 0, math.MaxInt32) },
			"Value '2147483648' at 'q' failed to satisfy constraint: Member must have value less than or equal to 2147483647"},
		{"ends of the range", func(v *Violations) { v.Range(At("q"), 0, 0, 9); v.Range(At("q"), 9, 0, 9) }, ""},
		{"pattern", func(v *Violations) { v.Pattern(At("x"), []byte("a b"), "[a-z]+", false) },
			"Value 'a b' at 'x' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+"},
		{"pattern that matches", func(v *Violations) { v.Pattern(At("x"), []byte("ab"), "[a-z]+", true) }, ""},
		{"too short", func(v *Violations) { v.Length(At("x"), []byte("é"), 2, 9) },
			"Value 'é' at 'x' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		{"too long", func(v *Violations) { v.Length(At("x"), []byte("éaé"), 1, 2) },
			"Value 'éaé' at 'x' failed to satisfy constraint: Member must have length less than or equal to 2"},
		{"code points, not bytes, not UTF-16", func(v *Violations) { v.Length(At("x"), []byte("😀😀"), 2, 2) }, ""},
		{"empty", func(v *Violations) { v.Length(At("x"), []byte{}, 1, 255) },
			"Value '' at 'x' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"enum", func(v *Violations) { v.Enum(At("x"), []byte("C"), "A", "B") },
			"Value 'C' at 'x' failed to satisfy constraint: Member must satisfy enum value set: [A, B]"},
		{"enum that fits", func(v *Violations) { v.Enum(At("x"), []byte("B"), "A", "B") }, ""},
		{"long list", func(v *Violations) { v.Size(records, 26, 0, 25) },
			"Value at 'usageRecords' failed to satisfy constraint: Member must have length less than or equal to 25"},
		{"short list", func(v *Violations) { v.Size(allocations, 0, 1, 2500) },
			"Value at 'usageRecords.1.member.usageAllocations' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"long value", func(v *Violations) { v.Length(At("x"), []byte(strings.Repeat("a", 256)), 1, 255) },
			"Value '" + strings.Repeat("a", 128) + "...' at 'x' failed to satisfy constraint: Member must have length less than or equal to 255"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var v Violations
			tt.check(&v)
			switch f := v.Fault(); {
			case tt.want == "" && f != nil:
				t.Error(f)
			case tt.want == "":
			case f == nil || f.Code != "ValidationException" || f.Status != 400 || f.Message != "1 validation error detected: "+tt.want:
				t.Errorf("got %v, want %q", f, tt.want)
			}
		})
	}
}

func TestViolationsAreJoinedAndBounded(t *testing.T) {
	var v Violations
	v.Pattern(At("x"), []byte{}, "p", false)
	v.Length(At("x"), []byte{}, 20, 30)
	const want = "2 validation errors detected: Value '' at 'x' failed to satisfy constraint: Member must satisfy regular expression pattern: p; " +
		"Value '' at 'x' failed to satisfy constraint: Member must have length greater than or equal to 20"
	if got := v.Fault().Message; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for range 1000 {
		v.NotNull(At("y"), false)
	}
	got := v.Fault().Message
	if !strings.HasPrefix(got, "10 validation errors detected: ") || strings.Count(got, "; ") != 9 {
		t.Errorf("got %s", got)
	}
}

func TestChecksThatFindNothingDoNotAllocate(t *testing.T) {
	value := []byte(strings.Repeat("é", 100))
	if n := testing.AllocsPerRun(100, func() {
		var v Violations
		records := At("usageRecords")
		for i := range 25 {
			record := records.Element(i)
			v.NotNull(record.Member("timestamp"), true)
			v.Length(record.Member("dimension"), value, 1, 255)
			v.Enum(record.Member("x"), value[:2], "a", "é")
			v.Range(record.Member("quantity"), 1, 0, 9)
		}
		if v.Fault() != nil {
			t.Fatal("found something")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
