package awsproto

import (
	"sort"
	"time"
)

// tree is a shape with every kind of member, which the real shapes have between them.
type tree struct {
	S     []byte
	I     *int64
	D     *float64
	B     *bool
	T     *time.Time
	Names [][]byte          // nil: absent
	Map   map[string][]byte // nil: absent
	Child *tree
	Kids  []tree // nil: absent
}

func (t *tree) Decode(d *Decoder) {
	for name := range d.Members {
		switch string(name) {
		case "S":
			t.S = d.Bytes()
		case "I":
			t.I = optional(d.Int())
		case "D":
			t.D = optional(d.Double())
		case "B":
			t.B = optional(d.Bool())
		case "T":
			t.T = optional(d.Timestamp())
		case "Names":
			if t.Names = nil; d.Null() {
				break
			}
			t.Names = [][]byte{}
			for range d.Elements {
				t.Names = append(t.Names, d.Bytes())
			}
		case "Map":
			if t.Map = nil; d.Null() {
				break
			}
			t.Map = map[string][]byte{}
			for key := range d.Members {
				t.Map[string(key)] = d.Bytes()
			}
		case "Child":
			if t.Child = nil; d.Null() {
				break
			}
			t.Child = new(tree)
			t.Child.Decode(d)
		case "Kids":
			if t.Kids = nil; d.Null() {
				break
			}
			t.Kids = []tree{}
			for range d.Elements {
				var kid tree
				kid.Decode(d)
				t.Kids = append(t.Kids, kid)
			}
		}
	}
}

func optional[T any](v T, ok bool) *T {
	if !ok {
		return nil
	}
	return &v
}

func (t *tree) Encode(e *Encoder) {
	e.BeginStruct()
	if t.S != nil {
		e.Member("S")
		e.String(string(t.S))
	}
	if t.I != nil {
		e.Member("I")
		e.Int(*t.I)
	}
	if t.D != nil {
		e.Member("D")
		e.Double(*t.D)
	}
	if t.B != nil {
		e.Member("B")
		e.Bool(*t.B)
	}
	if t.T != nil {
		e.Member("T")
		e.Timestamp(*t.T)
	}
	if t.Names != nil {
		e.Member("Names")
		e.BeginList()
		for _, s := range t.Names {
			e.String(string(s))
		}
		e.EndList()
	}
	if t.Map != nil {
		e.Member("Map")
		e.BeginStruct()
		keys := make([]string, 0, len(t.Map))
		for k := range t.Map {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			e.Member(k)
			e.String(string(t.Map[k]))
		}
		e.EndStruct()
	}
	if t.Child != nil {
		e.Member("Child")
		t.Child.Encode(e)
	}
	if t.Kids != nil {
		e.Member("Kids")
		e.BeginList()
		for i := range t.Kids {
			t.Kids[i].Encode(e)
		}
		e.EndList()
	}
	e.EndStruct()
}

// decodeTree reads body to its end.
func decodeTree(p Protocol, body []byte) (tree, *Fault) {
	var t tree
	d := p.Codec().Decoder(body)
	t.Decode(&d)
	return t, d.Finish()
}

func encodeTree(p Protocol, t *tree) []byte {
	e := p.Codec().Encoder(nil)
	t.Encode(&e)
	return e.Bytes()
}
