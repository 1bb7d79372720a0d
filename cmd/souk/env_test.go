package main

import (
	"os/exec"
	"strings"
	"testing"
)

// nasty are values that shells could take for syntax.
var nasty = []string{
	"", "plain", "two words", " lead and trail ", "it's", `"double"`, `back\slash`, `\`, `\'`, `'\''`, "$HOME", "${HOME}", "$(id)", "`id`", "!history", "a;b", "a&b|c>d<e", "*?[a]", "~", "#no comment",
	"line\nbreak", "tab\there", "trailing\\", "%PATH%", "^caret", "$env:PATH", "`n", "@{a=1}", "-n", "--", "’curly‘", "‚low‛", "''", "é😀", "a=b", "{a,b}", "\r", "end'",
}

// Each shell reads back the value that was quoted. sh is here to be asked; of the others, this is what their documentation says of
// single quotes.
func TestShellQuoting(t *testing.T) {
	unquoted := map[string]func(t *testing.T, word string) string{
		shellPOSIX: func(t *testing.T, word string) string {
			out, err := exec.Command("sh", "-c", "V="+word+`; printf '%s.' "$V"`).CombinedOutput()
			if err != nil {
				t.Fatalf("sh: %v: %s", err, out)
			}
			return strings.TrimSuffix(string(out), ".")
		},
		// fish, "Quotes": between single quotes only \' and \\ are escapes; every other character is itself.
		shellFish: func(t *testing.T, word string) string {
			return scan(t, word, func(s string) (string, int) {
				if strings.HasPrefix(s, `\'`) || strings.HasPrefix(s, `\\`) {
					return s[1:2], 2
				}
				return "", 0
			}, "'")
		},
		// about_Quoting_Rules: a doubled single quote is one; the language takes ‘ ’ ‚ ‛ for single quotes as well.
		shellPowerShell: func(t *testing.T, word string) string {
			return scan(t, word, func(s string) (string, int) {
				for _, q := range []string{"'", "‘", "’", "‚", "‛"} {
					if strings.HasPrefix(s, q+q) {
						return q, 2 * len(q)
					}
				}
				return "", 0
			}, "'‘’‚‛")
		},
	}
	for name, read := range unquoted {
		t.Run(name, func(t *testing.T) {
			for _, value := range nasty {
				line := variable{"NAME", &value}.in(name)
				prefix := map[string]string{shellPOSIX: "export NAME=", shellFish: "set -gx NAME ", shellPowerShell: "$env:NAME = "}[name]
				word, ok := strings.CutPrefix(line, prefix)
				if !ok {
					t.Fatalf("%q does not begin with %q", line, prefix)
				}
				if got := read(t, word); got != value {
					t.Errorf("%s reads %q as %q, want %q", name, word, got, value)
				}
			}
		})
	}
}

// scan reads a word in single quotes: escape knows the escapes, and none of the quotes may stand in it otherwise.
func scan(t *testing.T, word string, escape func(string) (string, int), quotes string) string {
	t.Helper()
	if len(word) < 2 || word[0] != '\'' || word[len(word)-1] != '\'' {
		t.Fatalf("%q is not in single quotes", word)
	}
	inner := word[1 : len(word)-1]
	var out strings.Builder
	for inner != "" {
		if s, n := escape(inner); n > 0 {
			out.WriteString(s)
			inner = inner[n:]
			continue
		}
		for _, q := range quotes {
			if strings.HasPrefix(inner, string(q)) {
				t.Fatalf("%q ends early, at %q", word, inner)
			}
		}
		out.WriteByte(inner[0])
		inner = inner[1:]
	}
	return out.String()
}

func TestShellInUse(t *testing.T) {
	tests := []struct {
		goos string
		env  []string
		want string
	}{
		{"linux", nil, shellPOSIX},
		{"linux", []string{"SHELL=/bin/zsh"}, shellPOSIX},
		{"darwin", []string{"SHELL=/opt/homebrew/bin/fish"}, shellFish},
		{"linux", []string{"SHELL=/usr/bin/pwsh"}, shellPowerShell},
		{"linux", []string{"SHELL=/bin/bash", "PSModulePath=/opt/microsoft/powershell/7/Modules"}, shellPowerShell}, // pwsh, started by bash
		{"windows", []string{`PSModulePath=C:\Program Files\WindowsPowerShell\Modules`}, shellPowerShell},
		{"windows", []string{"SHELL=/usr/bin/bash", `PSModulePath=C:\Program Files\WindowsPowerShell\Modules`}, shellPOSIX}, // Git Bash
	}
	for _, tt := range tests {
		if got := shellInUse(tt.goos, environment(tt.env...)); got != tt.want {
			t.Errorf("shellInUse(%s, %q) = %s, want %s", tt.goos, tt.env, got, tt.want)
		}
	}
}
