package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// app is what a command is run with.
type app struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// Exit statuses.
const (
	exitFailed = 1 // the command did not succeed
	exitUsage  = 2 // it was not understood
)

// failed ends a command that has said already what is wrong.
type failed struct{ status int }

func (f failed) Error() string { return fmt.Sprintf("exit status %d", f.status) }

// helpShown unwinds out of kong, which wants to end the process after --help.
type helpShown struct{ status int }

// run is the whole program. Results go to stdout; everything else goes to stderr, after "souk: ".
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) (status int) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case helpShown:
			status = v.status
		default:
			panic(v)
		}
	}()
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("souk"), kong.Description(description), kong.Writers(stdout, stderr),
		kong.Exit(func(status int) { panic(helpShown{status}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "run", Title: "Run one"}, {Key: "use", Title: "Use one that runs"}, {Key: "simulate", Title: "Make it do what AWS does when you least want it"},
			{Key: "operate", Title: "Operate one"},
		}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "souk:", err)
		return exitUsage
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		hint := "souk --help"
		var parse *kong.ParseError
		if errors.As(err, &parse) && parse.Context != nil && parse.Context.Command() != "" {
			hint = "souk " + parse.Context.Command() + " --help"
		}
		fmt.Fprintf(stderr, "souk: %s\nhint: %s\n", clean(err.Error()), hint)
		return exitUsage
	}
	err = command.Run(&app{ctx, stdin, stdout, stderr, getenv})
	var f failed
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		return f.status
	}
	fmt.Fprintln(stderr, "souk:", clean(strings.TrimSpace(err.Error())))
	return exitFailed
}
