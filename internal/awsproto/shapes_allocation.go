package awsproto

import "math"

// How many allocations and tags are kept: one more than may be, so that it shows that there are too many (service model, UsageAllocations
// and TagList).
const (
	keptAllocations = 2500 + 1
	keptTags        = 5 + 1
)

// UsageAllocation is a part of a record's quantity, under tags.
//
// More than 2500 allocations, more than 5 tags, and tags of bad length or pattern break constraints of the model, and yet Validate lets
// them pass: InvalidUsageAllocationsException and InvalidTagException are documented for them.
//
// https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-metering_UsageAllocation.html
type UsageAllocation struct {
	AllocatedUsageQuantity    int64
	HasAllocatedUsageQuantity bool
	Tags                      []Tag // of more than 5 only 6 are kept
	HasTags                   bool
}

// Tag is a vendor's tag. Nil is absent; both alias the body.
type Tag struct {
	Key, Value []byte
}

// decodeAllocations reads a list into the memory of list.
func decodeAllocations(d *Decoder, list []UsageAllocation) (_ []UsageAllocation, ok bool) {
	list = list[:0]
	if d.Null() {
		return list, false
	}
	for range d.Elements {
		list = lengthen(list, keptAllocations)
		list[len(list)-1].Decode(d)
	}
	return list, true
}

// Decode reads the members that d has. Nothing of an earlier allocation is left.
func (a *UsageAllocation) Decode(d *Decoder) {
	*a = UsageAllocation{Tags: a.Tags[:0]}
	for name := range d.Members {
		switch string(name) {
		case "AllocatedUsageQuantity":
			a.AllocatedUsageQuantity, a.HasAllocatedUsageQuantity = d.Int()
		case "Tags":
			a.Tags = a.Tags[:0]
			if a.HasTags = !d.Null(); !a.HasTags {
				break
			}
			for range d.Elements {
				a.Tags = lengthen(a.Tags, keptTags)
				a.Tags[len(a.Tags)-1].Decode(d)
			}
		}
	}
}

// Decode reads the members that d has.
func (t *Tag) Decode(d *Decoder) {
	*t = Tag{}
	for name := range d.Members {
		switch string(name) {
		case "Key":
			t.Key = d.Bytes()
		case "Value":
			t.Value = d.Bytes()
		}
	}
}

// resetAllocations empties list, and what is behind its end, or lets go of it if few requests have one of that size.
func resetAllocations(list []UsageAllocation) []UsageAllocation {
	const usual = 64
	if cap(list) > usual {
		return nil
	}
	list = list[:cap(list)]
	for i := range list {
		tags := list[i].Tags[:cap(list[i].Tags)]
		clear(tags)
		list[i] = UsageAllocation{Tags: tags[:0]}
	}
	return list[:0]
}

// allocations checks a list that was sent.
func (v *Violations) allocations(at *Path, list []UsageAllocation) {
	v.Size(*at, len(list), 1, math.MaxInt)
	for i := range list {
		if v.full() {
			return
		}
		element := at.Element(i)
		list[i].validate(v, &element)
	}
}

func (a *UsageAllocation) validate(v *Violations, at *Path) {
	quantity := at.Member("allocatedUsageQuantity")
	if !a.HasAllocatedUsageQuantity {
		v.NotNull(quantity, false)
	} else {
		v.Range(quantity, a.AllocatedUsageQuantity, 0, maxQuantity)
	}
	if !a.HasTags {
		return
	}
	tags := at.Member("tags")
	v.Size(tags, len(a.Tags), 1, math.MaxInt)
	for i := range a.Tags {
		tag := tags.Element(i)
		v.NotNull(tag.Member("key"), a.Tags[i].Key != nil)
		v.NotNull(tag.Member("value"), a.Tags[i].Value != nil)
	}
}

func encodeAllocations(e *Encoder, list []UsageAllocation) {
	e.BeginList()
	for i := range list {
		list[i].Encode(e)
	}
	e.EndList()
}

// Encode writes what was sent and nothing else.
func (a *UsageAllocation) Encode(e *Encoder) {
	e.BeginStruct()
	if a.HasAllocatedUsageQuantity {
		e.member("AllocatedUsageQuantity")
		e.Int(a.AllocatedUsageQuantity)
	}
	if a.HasTags {
		e.member("Tags")
		e.BeginList()
		for i := range a.Tags {
			e.BeginStruct()
			e.sent("Key", a.Tags[i].Key)
			e.sent("Value", a.Tags[i].Value)
			e.EndStruct()
		}
		e.EndList()
	}
	e.EndStruct()
}
