package world

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/souk-market/souk/internal/market"
)

// Bounds of a world file. They keep a hostile one cheap; a real one is far below.
const (
	MaxSize     = 4 << 20 // bytes
	MaxDepth    = 64      // mappings and lists in each other
	MaxProblems = 1000    // findings; reading stops there
)

// File is a world file that was read without findings.
type File struct {
	World market.World

	root *yaml.Node
	// Access keys and offers stand inside their owners in the file, and in lists of their own in World. These say where the elements
	// of those lists stand in the file: offers[3] is "products[1].offers[0]".
	keys   []string
	offers []string
}

// Parse reads a world file. Its error is a *market.Error with the Code Invalid, whose Problems are every finding, in the order of their lines.
func Parse(src []byte) (*File, error) {
	root, problem := load(src)
	if problem != nil {
		return nil, invalid([]market.Problem{*problem})
	}
	f := &File{root: root}
	r := &reader{file: f}
	r.world(root)
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b market.Problem) int { return cmp.Compare(a.Line, b.Line) })
		return nil, invalid(r.problems)
	}
	return f, nil
}

func invalid(problems []market.Problem) *market.Error {
	noun := "problems"
	if len(problems) == 1 {
		noun = "problem"
	}
	return &market.Error{Code: market.Invalid, Message: fmt.Sprintf("the world file has %d %s; nothing was changed", len(problems), noun), Problems: problems}
}

// Locate gives problems that market.ApplyWorld found their places in the file: the path as it stands there, and the line of the nearest
// part that the file has. The list that it is handed stays as it is.
func (f *File) Locate(problems []market.Problem) []market.Problem {
	out := slices.Clone(problems)
	for i := range out {
		p := &out[i]
		p.Path = f.moved(p.Path)
		if p.Line == 0 {
			p.Line = lineOf(f.root, p.Path)
		}
	}
	return out
}

// moved is where in the file a path into World's own lists leads.
func (f *File) moved(path string) string {
	list, rest := f.keys, ""
	if after, ok := strings.CutPrefix(path, "access_keys["); ok {
		rest = after
	} else if after, ok := strings.CutPrefix(path, "offers["); ok {
		list, rest = f.offers, after
	} else {
		return path
	}
	index, rest, _ := strings.Cut(rest, "]")
	if i, err := strconv.Atoi(index); err == nil && i >= 0 && i < len(list) {
		return list[i] + rest
	}
	return path
}

// lineOf walks from n along path, as far as it leads, and answers the line where it ends; 0 if it leads nowhere.
func lineOf(n *yaml.Node, path string) int {
	line := 0
	for path != "" {
		var step string
		step, path = cutStep(path)
		if n.Kind == yaml.AliasNode {
			return line // what it stands for is written elsewhere
		}
		if i, err := strconv.Atoi(strings.Trim(step, "[]")); step[0] == '[' && err == nil {
			if n.Kind != yaml.SequenceNode || i < 0 || i >= len(n.Content) {
				return line
			}
			n = n.Content[i]
			line = n.Line
			continue
		}
		key, value := findMember(n, keyOfStep(step))
		if key == nil {
			return line
		}
		line = lineOfMember(key, value)
		n = value
	}
	return line
}

// cutStep cuts the first step off a path: name, [3] or ["any key"].
func cutStep(path string) (step, rest string) {
	end := strings.IndexAny(path[1:], ".[") + 1
	if quoted, err := strconv.QuotedPrefix(path[1:]); path[0] == '[' && err == nil {
		end = min(1+len(quoted)+1, len(path))
	}
	if end == 0 {
		return path, ""
	}
	return path[:end], strings.TrimPrefix(path[end:], ".")
}

func keyOfStep(step string) string {
	if quoted, err := strconv.QuotedPrefix(step[1:]); step[0] == '[' && err == nil {
		key, _ := strconv.Unquote(quoted) // QuotedPrefix has seen it unquote
		return key
	}
	return step
}

func findMember(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if target(n.Content[i]).Value == name {
				return n.Content[i], n.Content[i+1]
			}
		}
	}
	return nil, nil
}

// target is what an alias stands for, and any other node itself.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// lineOfMember is the line that an editor should jump to: the value's, unless the value is a block below its key.
func lineOfMember(key, value *yaml.Node) int {
	if value.Kind == yaml.ScalarNode {
		return value.Line
	}
	return key.Line
}
