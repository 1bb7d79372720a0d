package sdk

import (
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
)

// matrix gathers what came of each case in each client, for the table at the end.
type matrix struct {
	mu       sync.Mutex
	versions map[string]string
	cells    map[[3]string]string // client, table and case
}

func newMatrix() *matrix {
	return &matrix{versions: map[string]string{}, cells: map[[3]string]string{}}
}

func (m *matrix) add(client, version string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.versions[client] = version
}

func (m *matrix) missing(client string) { m.add(client, "not here, not run") }

func (m *matrix) note(client, table, name string, r *rig) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cell := "yes"
	switch {
	case r.t.Failed():
		cell = "NO"
	case r.remark != "":
		cell = r.remark
	}
	m.cells[[3]string{client, table, name}] = cell
}

// String is the table, cases by clients.
func (m *matrix) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "case")
	for _, l := range languages {
		fmt.Fprintf(w, "\t%s", l.name)
	}
	for _, table := range tables {
		fmt.Fprintf(w, "\n%s%s", strings.ToUpper(table.name), strings.Repeat("\t", len(languages)))
		for _, c := range table.cases {
			fmt.Fprintf(w, "\n%s", c.name)
			for _, l := range languages {
				cell, ok := m.cells[[3]string{l.name, table.name, c.name}]
				if !ok {
					cell = "-"
				}
				fmt.Fprintf(w, "\t%s", cell)
			}
		}
	}
	w.Flush()
	b.WriteString("\n\n")
	for _, l := range languages {
		fmt.Fprintf(&b, "%s: %s\n", l.name, m.versions[l.name])
	}
	return b.String()
}
