package console

import (
	"maps"
	"slices"
)

// Patterns are those of all registered pages.
func (c *Console) Patterns() []string { return slices.Sorted(maps.Keys(c.patterns)) }
