package main

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// Shells whose syntax is known. "sh" stands for all that follow POSIX.
const (
	shellPOSIX      = "sh"
	shellFish       = "fish"
	shellPowerShell = "powershell"
)

// variable is one of the environment. One without a value is to be unset.
type variable struct {
	name  string
	value *string
}

// printVariables prints what a shell must run to set and unset vars; shell "auto" is the one in use. As JSON it is one object, null for unset.
func printVariables(a *app, vars []variable, shell string, asJSON bool) error {
	if asJSON {
		object := map[string]*string{}
		for _, v := range vars {
			object[v.name] = v.value
		}
		return printJSON(a.stdout, object)
	}
	if shell == "auto" {
		shell = shellInUse(runtime.GOOS, a.getenv)
	}
	for _, v := range vars {
		if _, err := fmt.Fprintln(a.stdout, v.in(shell)); err != nil {
			return err
		}
	}
	return nil
}

// shellInUse is the shell that started this process, as far as the environment tells. PowerShell sets PSModulePath for all that it starts;
// on Windows the system sets it for everything, and SHELL tells that it is another shell (Git's, for one).
func shellInUse(goos string, getenv func(string) string) string {
	login := getenv("SHELL")
	switch {
	case getenv("PSModulePath") != "" && (login == "" || goos != "windows"), path.Base(login) == "pwsh":
		return shellPowerShell
	case path.Base(login) == "fish":
		return shellFish
	}
	return shellPOSIX
}

// in is the line that sets or unsets v. A value is quoted so that the shell takes nothing in it for syntax.
func (v variable) in(shell string) string {
	switch {
	case shell == shellFish && v.value == nil:
		return "set -e " + v.name
	case shell == shellFish:
		return "set -gx " + v.name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(*v.value) + "'"
	case shell == shellPowerShell && v.value == nil:
		return "Remove-Item Env:" + v.name + " -ErrorAction SilentlyContinue"
	case shell == shellPowerShell:
		return "$env:" + v.name + " = '" + powerShellQuotes.Replace(*v.value) + "'"
	case v.value == nil:
		return "unset " + v.name
	}
	return "export " + v.name + "='" + strings.ReplaceAll(*v.value, "'", `'\''`) + "'"
}

// powerShellQuotes doubles what ends a string in PowerShell: the curly single quotes do so too, like the straight one.
var powerShellQuotes = strings.NewReplacer("'", "''", "\u2018", "\u2018\u2018", "\u2019", "\u2019\u2019", "\u201a", "\u201a\u201a", "\u201b", "\u201b\u201b")
