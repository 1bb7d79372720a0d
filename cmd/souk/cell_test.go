package main

import "testing"

func TestCell(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, line, cell, short string }{
		{"", "", "-", "-"},
		{" \n\t ", "", "-", "-"},
		{"plain", "plain", "plain", "plain"},
		{"two\nlines\tof\u2028it", "two lines of it", "two lines of it", "two line…"},
		{"\x1b[31mred", "\ufffd[31mred", "\ufffd[31mred", "\ufffd[31mred"},
		{"nine char", "nine char", "nine char", "nine char"},
		{"ünïcödé tèxt", "ünïcödé tèxt", "ünïcödé tèxt", "ünïcödé …"},
		{"evil\u061ctxt", "evil\ufffdtxt", "evil\ufffdtxt", "evil\ufffdtxt"},
		{"evil\u202etxt", "evil\ufffdtxt", "evil\ufffdtxt", "evil\ufffdtxt"},
	} {
		if got := oneLine(c.in); got != c.line {
			t.Errorf("oneLine(%q) = %q, want %q", c.in, got, c.line)
		}
		if got := cell(c.in); got != c.cell {
			t.Errorf("cell(%q) = %q, want %q", c.in, got, c.cell)
		}
		if got := shortened(c.in, 9); got != c.short {
			t.Errorf("shortened(%q, 9) = %q, want %q", c.in, got, c.short)
		}
	}
}

func TestIndent(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a": "> a", "a\nb\n\n": "> a\n> b", "\na": "> \n> a", "a\rb\x00": "> a\ufffdb\ufffd", "": "> "} {
		if got := indent("> ", in); got != want {
			t.Errorf("indent(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{"": 0, "abc": 3, "µs": 2, paint(true, colourError, "abc"): 3, paint(false, colourError, "abc"): 3} {
		if got := shown(in); got != want {
			t.Errorf("shown(%q) = %d, want %d", in, got, want)
		}
	}
}
