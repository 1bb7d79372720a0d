package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
)

// applyCmd is `souk apply`.
type applyCmd struct {
	remote
	File []string `short:"f" required:"" sep:"none" placeholder:"FILE" help:"World file, YAML or JSON; '-' is the standard input. Can be given again: they are applied in order."`
}

func (applyCmd) Help() string {
	return `Makes the marketplace as a world file declares it: accounts, users, roles, policies, access keys, products, offers, agreements. It adds and
changes what the file declares and removes nothing. Applying a file again changes nothing.

The whole file is checked first. Everything that is wrong with it is reported with its line, and then nothing of it is applied. Of several
files, the first that has a problem is the last that is looked at.

    souk apply -f world.yaml
    souk export | sed s/Sample/My/ | souk apply -f -

'souk export' prints a file to begin with.`
}

// applied is what --json prints of a file.
type applied struct {
	File string `json:"file"`
	market.Changes
}

// fileProblem is a finding in a file.
type fileProblem struct {
	File string `json:"file"`
	market.Problem
}

func (c *applyCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	type input struct {
		name string
		text []byte
	}
	var inputs []input
	for _, name := range c.File { // all are read before any is applied
		text, err := a.read(name)
		if err != nil {
			return err
		}
		if name == "-" {
			name = "<stdin>"
		}
		inputs = append(inputs, input{name, text})
	}
	out := struct {
		Files    []applied     `json:"files"`
		Problems []fileProblem `json:"problems"`
	}{[]applied{}, []fileProblem{}}
	var refusal error
	for _, in := range inputs {
		done := a.working("applying " + in.name)
		changes, err := client.ApplyWorld(a.ctx, in.text)
		done()
		var refused *admin.APIError
		if errors.As(err, &refused) && len(refused.Problems) > 0 {
			for _, p := range refused.Problems {
				out.Problems = append(out.Problems, fileProblem{in.name, p})
			}
			refusal = fmt.Errorf("%s: %w", in.name, err)
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		out.Files = append(out.Files, applied{in.name, changes})
	}
	if c.JSON {
		if err := printJSON(a.stdout, out); err != nil {
			return err
		}
		return refusal
	}
	for _, f := range out.Files {
		if _, err := fmt.Fprintf(a.stdout, "%s: %d created, %d updated, %d unchanged\n", f.File, f.Created, f.Updated, f.Unchanged); err != nil {
			return err
		}
	}
	for _, p := range out.Problems {
		at := p.File
		if p.Line > 0 {
			at = fmt.Sprintf("%s:%d", at, p.Line)
		}
		fmt.Fprintf(a.stderr, "%s: %s: %s\n", at, oneLine(p.Path), oneLine(p.Reason))
	}
	return refusal
}

func (a *app) read(name string) ([]byte, error) {
	if name == "-" {
		text, err := io.ReadAll(a.stdin)
		if err != nil {
			return nil, fmt.Errorf("read the standard input: %w", err)
		}
		return text, nil
	}
	return os.ReadFile(name)
}
