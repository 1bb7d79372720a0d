package main

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// versionCmd is `souk version`.
type versionCmd struct {
	JSON bool `help:"Print JSON, for programs."`
}

func (versionCmd) Help() string {
	return `Prints the version of this binary, the commit that it was built from and the version of Go that built it.

    souk version --json`
}

// build is what a binary knows of its making.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`   // "" if it was not built from a checkout
	Time     string `json:"time"`     // of the commit, RFC 3339
	Modified bool   `json:"modified"` // the checkout had changes
	Go       string `json:"go"`
}

func buildOf(info *debug.BuildInfo) build {
	b := build{Version: info.Main.Version, Go: info.GoVersion}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func thisBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{Version: "devel"}
	}
	return buildOf(info)
}

// version is what a Souk says about itself.
func version() string { return thisBuild().Version }

func (b build) String() string {
	details := []string{}
	if b.Commit != "" {
		commit := "commit " + b.Commit[:min(12, len(b.Commit))]
		if b.Modified {
			commit += ", changed since"
		}
		details = append(details, commit)
	}
	if b.Go != "" {
		details = append(details, b.Go)
	}
	if len(details) == 0 {
		return "souk " + b.Version
	}
	return "souk " + b.Version + " (" + strings.Join(details, ", ") + ")"
}

func (c *versionCmd) Run(a *app) error {
	if c.JSON {
		return printJSON(a.stdout, thisBuild())
	}
	_, err := fmt.Fprintln(a.stdout, thisBuild())
	return err
}
