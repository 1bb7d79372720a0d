package awsproto

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxViolations is how many findings are reported of one request. The emulators of DynamoDB and Kinesis that were built from
// recordings stop at ten; without a bound a body of 1 MiB could ask for tens of megabytes of text.
const maxViolations = 10

// Violations gathers what is wrong with an input, in Coral's words. Its zero value has found nothing, and checks that find
// nothing allocate nothing.
//
// Coral's order is: the input's members in the order of the model, and of one member null, pattern, length. The checks are
// called in that order; a member that is absent and may be is not checked at all.
type Violations struct {
	n    int
	text []byte
}

// NotNull finds a required member that is absent.
func (v *Violations) NotNull(at Path, present bool) {
	if !present {
		v.add(at, " null", "Member must not be null")
	}
}

// Pattern finds a string that the caller has seen not to match the model's pattern.
func (v *Violations) Pattern(at Path, value []byte, pattern string, match bool) {
	if !match {
		v.add(at, echo(value), "Member must satisfy regular expression pattern: "+pattern)
	}
}

// Length finds a string with fewer than lo or more than hi Unicode code points, which is how AWS counts.
func (v *Violations) Length(at Path, value []byte, lo, hi int) {
	if len(value) >= lo*utf8.UTFMax && len(value) <= hi {
		return // whatever its characters are
	}
	v.bounds(at, value, utf8.RuneCount(value), lo, hi)
}

// Size finds a list or map with fewer than lo or more than hi elements. The elements are not repeated in the text.
func (v *Violations) Size(at Path, n, lo, hi int) { v.bounds(at, nil, n, lo, hi) }

// bounds takes a nil value for one that is not to be repeated.
func (v *Violations) bounds(at Path, value []byte, n, lo, hi int) {
	if n < lo {
		v.add(at, echo(value), "Member must have length greater than or equal to "+strconv.Itoa(lo))
	}
	if n > hi {
		v.add(at, echo(value), "Member must have length less than or equal to "+strconv.Itoa(hi))
	}
}

// Range finds an integer below lo or above hi.
func (v *Violations) Range(at Path, n, lo, hi int64) {
	if n < lo {
		v.add(at, " '"+strconv.FormatInt(n, 10)+"'", "Member must have value greater than or equal to "+strconv.FormatInt(lo, 10))
	}
	if n > hi {
		v.add(at, " '"+strconv.FormatInt(n, 10)+"'", "Member must have value less than or equal to "+strconv.FormatInt(hi, 10))
	}
}

// Enum finds a string that is none of set.
func (v *Violations) Enum(at Path, value []byte, set ...string) {
	for _, s := range set {
		if string(value) == s {
			return
		}
	}
	v.add(at, echo(value), "Member must satisfy enum value set: ["+strings.Join(set, ", ")+"]")
}

// MapKeys finds a map with a key that breaks constraint, such as "Member must have length greater than or equal to 1". As of a list, nothing of
// the map is repeated in the text. Of several constraints the text names all, joined by ", ".
func (v *Violations) MapKeys(at Path, constraint string) {
	v.add(at, "", "Map keys must satisfy constraint: ["+constraint+"]")
}

// MapValues finds a map with a value that breaks constraint.
func (v *Violations) MapValues(at Path, constraint string) {
	v.add(at, "", "Map value must satisfy constraint: ["+constraint+"]")
}

// full says whether more findings would be for nothing.
func (v *Violations) full() bool { return v.n == maxViolations }

// Fault is the ValidationException of all findings, or nil if there are none.
func (v *Violations) Fault() *Fault {
	if v.n == 0 {
		return nil
	}
	plural := "s"
	if v.n == 1 {
		plural = ""
	}
	return Validation(strconv.Itoa(v.n) + " validation error" + plural + " detected: " + string(v.text))
}

func (v *Violations) add(at Path, value, constraint string) {
	if v.n == maxViolations {
		return
	}
	if v.n > 0 {
		v.text = append(v.text, "; "...)
	}
	v.n++
	v.text = append(v.text, "Value"...)
	v.text = append(v.text, value...)
	v.text = append(v.text, " at '"...)
	v.text = at.append(v.text)
	v.text = append(v.text, "' failed to satisfy constraint: "...)
	v.text = append(v.text, constraint...)
}

// echo is a value as the text repeats it: cut short if it is long, and not at all if it is nil, as AWS words it for
// sensitive members.
func echo(value []byte) string {
	if value == nil {
		return ""
	}
	return " '" + clip(value) + "'"
}

// Path is where in an input a member stands, such as usageRecords.1.member.timestamp. It costs nothing until it is written:
// a path points to the one that it goes on from.
type Path struct {
	parent *Path
	name   string // "" for an element
	index  int
}

// At is the path of a member of the input, by its name with the first letter in lower case, as Coral writes them.
func At(name string) Path { return Path{name: name} }

// Member is the path of a member of the structure at p.
func (p *Path) Member(name string) Path { return Path{parent: p, name: name} }

// Element is the path of element i, from 0, of the list at p. It is written from 1.
func (p *Path) Element(i int) Path { return Path{parent: p, index: i} }

// Entry is the path of the value of key in the map at p.
func (p *Path) Entry(key string) Path { return Path{parent: p, name: key + ".member"} }

func (p *Path) append(dst []byte) []byte {
	if p.parent != nil {
		dst = append(p.parent.append(dst), '.')
	}
	if p.name != "" {
		return append(dst, p.name...)
	}
	return append(strconv.AppendInt(dst, int64(p.index)+1, 10), ".member"...)
}
