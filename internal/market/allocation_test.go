package market

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// tagged is an allocation under tags written "key=value".
func tagged(quantity int64, tags ...string) Allocation {
	a := Allocation{Quantity: quantity}
	for _, text := range tags {
		key, value, _ := strings.Cut(text, "=")
		a.Tags = append(a.Tags, Tag{[]byte(key), []byte(value)})
	}
	return a
}

// numbered are n allocations of 1 each, all tagged apart, in no order.
func numbered(n int) []Allocation {
	list := make([]Allocation, n)
	for i, number := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		list[i] = tagged(1, fmt.Sprintf("tenant=a tenant with a name of some length, number %d", number), "region=eu", "stage=production")
	}
	return list
}

func TestCheckAllocations(t *testing.T) {
	const top = maxQuantity
	twins := numbered(maxAllocations)
	twins[2499] = Allocation{Quantity: 1, Tags: slices.Clone(twins[0].Tags)}
	slices.Reverse(twins[2499].Tags)
	for name, tt := range map[string]struct {
		quantity int64
		list     []Allocation
		code     Code
	}{
		"none":                             {7, nil, ""},
		"one without tags":                 {7, []Allocation{tagged(7)}, ""},
		"zero":                             {0, []Allocation{tagged(0)}, ""},
		"one with, one without":            {7, []Allocation{tagged(3), tagged(4, "a=1")}, ""},
		"a tag more":                       {7, []Allocation{tagged(3, "a=1"), tagged(4, "a=1", "b=1")}, ""},
		"the same value under another key": {7, []Allocation{tagged(3, "a=1"), tagged(4, "b=1")}, ""},
		"key and value apart":              {7, []Allocation{tagged(3, "ab=c"), tagged(4, "a=bc")}, ""},
		"five keys":                        {2, []Allocation{tagged(1, "a=1", "b=1", "c=1"), tagged(1, "d=1", "e=1")}, ""},
		"2500":                             {2500, numbered(2500), ""},

		"2501":                   {2501, numbered(2501), InvalidAllocations},
		"too little":             {8, []Allocation{tagged(3), tagged(4, "a=1")}, InvalidAllocations},
		"too much":               {6, []Allocation{tagged(3), tagged(4, "a=1")}, InvalidAllocations},
		"negative":               {0, []Allocation{tagged(-1), tagged(1, "a=1")}, InvalidAllocations},
		"more than an integer":   {top + 1, []Allocation{tagged(top + 1)}, InvalidAllocations},
		"wrapping around":        {top, []Allocation{tagged(1 << 62), tagged(1<<62, "a=1"), tagged(1<<62, "a=2"), tagged(1<<62+top, "a=3")}, InvalidAllocations},
		"two without tags":       {7, []Allocation{tagged(3), tagged(4)}, InvalidAllocations},
		"two alike":              {7, []Allocation{tagged(3, "a=1", "b=2"), tagged(4, "b=2", "a=1")}, InvalidAllocations},
		"two of 2500 alike":      {2500, twins, InvalidAllocations},
		"six tags":               {1, []Allocation{tagged(1, "a=1", "b=1", "c=1", "d=1", "e=1", "f=1")}, InvalidTag},
		"six keys between them":  {2, []Allocation{tagged(1, "a=1", "b=1", "c=1"), tagged(1, "d=1", "e=1", "f=1")}, InvalidTag},
		"a key twice":            {1, []Allocation{tagged(1, "a=1", "b=1", "a=2")}, InvalidTag},
		"a key twice, alike":     {1, []Allocation{tagged(1, "a=1", "a=1")}, InvalidTag},
		"empty key":              {1, []Allocation{tagged(1, "=1")}, InvalidTag},
		"empty value":            {1, []Allocation{tagged(1, "a=")}, InvalidTag},
		"a key of 100":           {1, []Allocation{tagged(1, strings.Repeat("k", 100)+"=1")}, ""},
		"a key of 101":           {1, []Allocation{tagged(1, strings.Repeat("k", 101)+"=1")}, InvalidTag},
		"a value of 256":         {1, []Allocation{tagged(1, "a="+strings.Repeat("v", 256))}, ""},
		"a value of 257":         {1, []Allocation{tagged(1, "a="+strings.Repeat("v", 257))}, InvalidTag},
		"a character beyond":     {1, []Allocation{tagged(1, "a=é")}, InvalidTag},
		"tags before quantities": {9, []Allocation{tagged(1, "a=\\")}, InvalidTag},
	} {
		t.Run(name, func(t *testing.T) {
			before := asText(tt.list)
			if err := checkAllocations(tt.quantity, tt.list); CodeOf(err) != tt.code {
				t.Errorf("%v, want %q", err, tt.code)
			}
			if diff := cmp.Diff(before, asText(tt.list)); diff != "" {
				t.Errorf("the list was changed: %s", diff)
			}
		})
	}
}

// asText is a list as text, in its own order.
func asText(list []Allocation) string { return fmt.Sprintf("%v", list) }

// The pattern is taken at its word: in it " -=" is a range.
func TestTagText(t *testing.T) {
	const allowed = ` !"#$%&'()*+,-./0123456789:;<=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz`
	for c := range 256 {
		if got, want := isTagText([]byte{'a', byte(c), 'b'}), strings.IndexByte(allowed, byte(c)) >= 0; got != want {
			t.Errorf("character %#x: %v, want %v", c, got, want)
		}
	}
}

// What packs alike says the same, and the other way round.
func TestPackAllocations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := allocationLists().Draw(t, "list")
		packed := packAllocations(list, []byte("before"))
		if !bytes.HasPrefix(packed, []byte("before")) {
			t.Fatalf("packed over what was there: %q", packed)
		}
		packed = packed[len("before"):]

		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		for i := range shuffled {
			if len(shuffled[i].Tags) > 0 {
				shuffled[i].Tags = rapid.Permutation(shuffled[i].Tags).Draw(t, "tags")
			}
		}
		if again := packAllocations(shuffled, nil); !bytes.Equal(again, packed) {
			t.Fatalf("in another order: %q, want %q", again, packed)
		}

		back, err := unpackAllocations(packed)
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, a := range list {
			sum += a.Quantity
		}
		if err := checkAllocations(sum, back); err != nil {
			t.Fatalf("unpacked: %v", err)
		}
		if again := packAllocations(back, nil); !bytes.Equal(again, packed) {
			t.Fatalf("packed again: %q, want %q", again, packed)
		}
		if diff := cmp.Diff(byTags(list), byTags(back)); diff != "" {
			t.Fatalf("unpacked: %s", diff)
		}
		at := rapid.IntRange(0, len(list)-1).Draw(t, "changed")
		back[at].Quantity++
		if again := packAllocations(back, nil); bytes.Equal(again, packed) {
			t.Fatal("another quantity packs alike")
		}
	})
	if got := packAllocations(nil, nil); got != nil {
		t.Errorf("nothing packs to %q, want nil", got)
	}
	if list, err := unpackAllocations(nil); list != nil || err != nil {
		t.Errorf("nothing unpacks to %v, %v", list, err)
	}
}

// allocationLists generates lists that pass the check.
func allocationLists() *rapid.Generator[[]Allocation] {
	text := rapid.StringMatching(`[a-c]{1,3}`)
	keys := []string{"a", "ab", "b", "k:1", "k 2"}
	return rapid.Custom(func(t *rapid.T) []Allocation {
		tags := rapid.MapOfN(rapid.SampledFrom(keys), text, 0, 5)
		sets := rapid.SliceOfNDistinct(tags, 1, 12, func(m map[string]string) string { return fmt.Sprint(m) }).Draw(t, "sets")
		list := make([]Allocation, len(sets))
		for i, set := range sets {
			list[i].Quantity = rapid.Int64Range(0, maxQuantity-1).Draw(t, "quantity")
			for key, value := range set {
				list[i].Tags = append(list[i].Tags, Tag{[]byte(key), []byte(value)})
			}
		}
		return list
	})
}

// byTags writes each allocation under its tags.
func byTags(list []Allocation) map[string]int64 {
	by := map[string]int64{}
	for _, a := range list {
		set := map[string]string{}
		for _, tag := range a.Tags {
			set[string(tag.Key)] = string(tag.Value)
		}
		by[fmt.Sprint(set)] = a.Quantity
	}
	return by
}

func TestUnpackRefuses(t *testing.T) {
	packed := packAllocations([]Allocation{tagged(300, "key=value", "other=value"), tagged(1)}, nil)
	if _, err := unpackAllocations(packed); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(packed); n++ {
		if list, err := unpackAllocations(packed[:n]); err == nil {
			t.Errorf("cut to %d bytes: %v", n, list)
		}
	}
	for name, b := range map[string][]byte{
		"something behind":      append(slices.Clone(packed), 0),
		"no allocation":         {0},
		"a number too long":     {0x81, 0x00, 1, 0},
		"too many allocations":  {0xc5, 0x13, 1, 0},
		"more than there is":    {0xc4, 0x13, 1, 0},
		"too large a quantity":  {1, 0x80, 0x80, 0x80, 0x80, 0x08, 0},
		"too many tags":         {1, 1, 6, 1, 'a', 1, 'a', 1, 'b', 1, 'b', 1, 'c', 1, 'c', 1, 'd', 1, 'd', 1, 'e', 1, 'e', 1, 'f', 1, 'f'},
		"a number without end":  bytes.Repeat([]byte{0xff}, 20),
		"a key longer than all": {1, 1, 1, 50, 'a'},
	} {
		if list, err := unpackAllocations(b); err == nil {
			t.Errorf("%s: %v", name, list)
		}
	}
}

func FuzzUnpackAllocations(f *testing.F) {
	f.Add([]byte{1, 5, 0})
	f.Add(packAllocations([]Allocation{tagged(300, "key=value", "other=value"), tagged(1)}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := unpackAllocations(b)
		if err != nil || len(b) == 0 {
			return
		}
		packed := packAllocations(list, nil)
		if len(packed) != len(b) {
			t.Fatalf("%d bytes pack to %d", len(b), len(packed))
		}
		again, err := unpackAllocations(packed)
		if err != nil {
			t.Fatal(err)
		}
		if third := packAllocations(again, nil); !bytes.Equal(third, packed) && checkAllocations(total(list), list) == nil {
			t.Fatalf("%q packs to %q, and that to %q", b, packed, third)
		}
	})
}

func total(list []Allocation) (sum int64) {
	for _, a := range list {
		sum += a.Quantity
	}
	return sum
}

func BenchmarkAllocations(b *testing.B) {
	for _, n := range []int{1, 4, maxAllocations} {
		list := numbered(n)
		b.Run(fmt.Sprintf("check/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := checkAllocations(int64(n), list); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("pack/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			var room []byte
			for b.Loop() {
				room = packAllocations(list, room[:0])
			}
		})
	}
}
