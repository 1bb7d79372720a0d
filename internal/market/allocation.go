package market

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
)

// Bounds of allocations and their tags (service model, UsageAllocations, TagList, TagKey, TagValue).
const (
	maxAllocations = 2500
	maxTags        = 5
	maxTagKey      = 100
	maxTagValue    = 256
)

// Texts of errors are ours, after the model's descriptions: none was ever seen live.
const (
	msgAllocations = "The usage allocation objects are invalid, or the number of allocations is greater than 2500 for a single usage record, or their quantities do not add up."
	msgTag         = "The tag is invalid, or the number of tags is greater than 5."
)

func badAllocations(reason string) error {
	return &Error{Code: InvalidAllocations, Message: msgAllocations, Reason: reason}
}

func badTag(reason string) error { return &Error{Code: InvalidTag, Message: msgTag, Reason: reason} }

// checkAllocations judges how a quantity was allocated. Without allocations there is nothing to judge.
//
// "At most 5 tags" is held both for an allocation, which is how the service model reads, and for the different keys of all allocations
// together, which is how the guide reads ("max tags across the UsageAllocation list"): AWS's own sample has four keys in as many allocations.
//
// Errors: InvalidAllocations, InvalidTag.
func checkAllocations(quantity int64, list []Allocation) error {
	if len(list) == 0 {
		return nil
	}
	if len(list) > maxAllocations {
		return badAllocations("there are more than 2500 allocations")
	}
	var sum int64
	var keys distinctKeys
	for i := range list {
		q := list[i].Quantity
		if q < 0 || q > maxQuantity {
			return badAllocations("an allocated quantity is not from 0 to 2147483647")
		}
		sum += q // 2500 of 2^31 are far from an overflow
		if len(list[i].Tags) > maxTags {
			return badTag("an allocation has more than 5 tags")
		}
		for _, tag := range list[i].Tags {
			if len(tag.Key) == 0 || len(tag.Key) > maxTagKey || !isTagText(tag.Key) {
				return badTag("tag key " + quoteShort(tag.Key) + " is not 1 to 100 characters of those that a tag may have")
			}
			if len(tag.Value) == 0 || len(tag.Value) > maxTagValue || !isTagText(tag.Value) {
				return badTag("the value of tag " + quoteShort(tag.Key) + " is not 1 to 256 characters of those that a tag may have")
			}
			if !keys.add(tag.Key) {
				return badTag("the allocations have more than 5 different tag keys between them")
			}
		}
	}
	if sum != quantity {
		return badAllocations("the allocated quantities do not add up to the record's quantity")
	}
	sets := tagSetsOf(list)
	defer sets.release()
	return sets.distinct(list)
}

// distinctKeys is a set of at most five tag keys.
type distinctKeys struct {
	keys [maxTags][]byte
	n    int
}

// add reports whether there was room for the key, or it was there already.
func (d *distinctKeys) add(key []byte) bool {
	for _, k := range d.keys[:d.n] {
		if bytes.Equal(k, key) {
			return true
		}
	}
	if d.n == maxTags {
		return false
	}
	d.keys[d.n] = key
	d.n++
	return true
}

// isTagText holds text to the pattern ^[a-zA-Z0-9+ -=._:\/@]+$, in which " -=" is a range: from the space, 0x20, to "=", 0x3D.
func isTagText(text []byte) bool {
	for _, c := range text {
		if !(' ' <= c && c <= '=' || '@' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '_') {
			return false
		}
	}
	return true
}

// tagSets are the tag sets of a list of allocations, in order. Their room is pooled.
type tagSets struct {
	text   []byte // of all sets, one after the other: key, 0, value, 0, and so on, by key. Tags have no such character, so texts sort as sets do
	sorted []tagSet
}

// tagSet is the tag set of one allocation.
type tagSet struct {
	prefix     uint64         // the first bytes in which sets differ: most comparisons end here
	start, end int32          // its text
	of         int32          // which allocation
	order      [maxTags]uint8 // its tags by key
}

var tagSetPool = sync.Pool{New: func() any { return new(tagSets) }}

func (s *tagSets) release() { tagSetPool.Put(s) }

// tagSetsOf sorts tags within allocations, and allocations by tags: key before value, a set before those that it begins. Tags are well formed, and each
// allocation has at most maxTags.
func tagSetsOf(list []Allocation) *tagSets {
	s := tagSetPool.Get().(*tagSets)
	s.text, s.sorted = s.text[:0], slices.Grow(s.sorted[:0], len(list))
	for i := range list {
		set, tags := tagSet{of: int32(i), start: int32(len(s.text))}, list[i].Tags
		for n := range tags {
			at := n
			for ; at > 0 && bytes.Compare(tags[set.order[at-1]].Key, tags[n].Key) > 0; at-- {
				set.order[at] = set.order[at-1]
			}
			set.order[at] = uint8(n)
		}
		for n := range tags {
			tag := &tags[set.order[n]]
			s.text = append(append(s.text, tag.Key...), 0)
			s.text = append(append(s.text, tag.Value...), 0)
		}
		set.end = int32(len(s.text))
		s.sorted = append(s.sorted, set)
	}
	if len(list) > 1 {
		s.sort()
	}
	return s
}

func (s *tagSets) sort() {
	first := s.of(&s.sorted[0])
	common := len(first) // how many bytes all texts begin with
	for i := range s.sorted {
		text := s.of(&s.sorted[i])
		if len(text) >= common && bytes.Equal(text[:common], first[:common]) {
			continue
		}
		n := 0
		for n < len(text) && n < common && text[n] == first[n] {
			n++
		}
		common = n
	}
	for i := range s.sorted {
		var begin [8]byte
		copy(begin[:], s.of(&s.sorted[i])[common:])
		s.sorted[i].prefix = binary.BigEndian.Uint64(begin[:])
	}
	slices.SortFunc(s.sorted, func(a, b tagSet) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return bytes.Compare(s.of(&a), s.of(&b))
	})
}

func (s *tagSets) of(set *tagSet) []byte { return s.text[set.start:set.end] }

// distinct refuses a key that stands twice in an allocation, and two allocations that are tagged alike.
func (s *tagSets) distinct(list []Allocation) error {
	for i := range s.sorted {
		set := &s.sorted[i]
		tags := list[set.of].Tags
		for n := 1; n < len(tags); n++ {
			if key := tags[set.order[n]].Key; bytes.Equal(key, tags[set.order[n-1]].Key) {
				return badTag("an allocation has the tag key " + quoteShort(key) + " twice")
			}
		}
		if i > 0 && bytes.Equal(s.of(set), s.of(&s.sorted[i-1])) {
			return badAllocations("two allocations have the same tags")
		}
	}
	return nil
}

// packAllocations appends the form in which allocations are kept. It is canonical: allocations that say the same, in whatever order they and their
// tags were sent, are the same bytes. The list has passed checkAllocations; an empty one adds nothing.
//
//	count | for each, by its tags: quantity | number of tags | for each, by key: length, key, length, value
//
// with all numbers as unsigned varints.
func packAllocations(list []Allocation, dst []byte) []byte {
	if len(list) == 0 {
		return dst
	}
	const number = 5 // bytes of a varint of 32 bits, at most
	size := number
	for i := range list {
		size += number + 1
		for _, tag := range list[i].Tags {
			size += 1 + len(tag.Key) + 2 + len(tag.Value)
		}
	}
	dst = slices.Grow(dst, size)
	sets := tagSetsOf(list)
	defer sets.release()
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for i := range sets.sorted {
		set := &sets.sorted[i]
		a := &list[set.of]
		dst = binary.AppendUvarint(dst, uint64(a.Quantity))
		dst = append(dst, byte(len(a.Tags)))
		for n := range a.Tags {
			tag := &a.Tags[set.order[n]]
			dst = binary.AppendUvarint(dst, uint64(len(tag.Key)))
			dst = append(dst, tag.Key...)
			dst = binary.AppendUvarint(dst, uint64(len(tag.Value)))
			dst = append(dst, tag.Value...)
		}
	}
	return dst
}

var errPacked = errors.New("market: unpack allocations: malformed")

// unpackAllocations is packAllocations' inverse, but for the order, which is the canonical one. The tags are parts of packed. What packAllocations
// cannot have made in form or in size is an error; whether it is sound is for checkAllocations.
func unpackAllocations(packed []byte) ([]Allocation, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	p := unpacker{rest: packed}
	n := p.number(maxAllocations)
	if p.bad || n == 0 || n > len(p.rest)/2 { // an allocation takes two bytes at the least
		return nil, errPacked
	}
	list := make([]Allocation, n)
	for i := range list {
		list[i].Quantity = int64(p.number(maxQuantity))
		tags := p.number(maxTags)
		if p.bad {
			return nil, errPacked
		}
		if tags > 0 {
			list[i].Tags = make([]Tag, tags)
		}
		for n := range list[i].Tags {
			list[i].Tags[n] = Tag{Key: p.text(maxTagKey), Value: p.text(maxTagValue)}
		}
	}
	if p.bad || len(p.rest) > 0 {
		return nil, errPacked
	}
	return list, nil
}

// unpacker cuts values off the front of packed allocations. After the first that is bad there are only zeros.
type unpacker struct {
	rest []byte
	bad  bool
}

func (p *unpacker) number(most int) int {
	v, n := binary.Uvarint(p.rest)
	if p.bad || n <= 0 || v > uint64(most) || n > 1 && p.rest[n-1] == 0 { // the last: longer than it needs to be
		p.bad = true
		return 0
	}
	p.rest = p.rest[n:]
	return int(v)
}

func (p *unpacker) text(most int) []byte {
	n := p.number(most)
	if p.bad || n > len(p.rest) {
		p.bad = true
		return nil
	}
	text := p.rest[:n:n]
	p.rest = p.rest[n:]
	return text
}
