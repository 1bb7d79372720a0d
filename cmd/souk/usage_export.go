package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// usageExportCmd is `souk usage export`.
type usageExportCmd struct {
	remote
	usageFilter
	Format string `default:"auto" enum:"auto,csv,jsonl" placeholder:"csv|jsonl" help:"CSV with a head, or a JSON document a line. If left out: CSV for a file whose name ends in .csv, else JSON."`
	Output string `short:"o" type:"path" placeholder:"FILE" help:"Write to this file, for its owner only to read, in place of the standard output. It is there whole, or not at all."`
}

func (usageExportCmd) Help() string {
	return `Writes all records that match, the earliest hour first. With -o a bar shows how far it is, where the standard error is a terminal; an export that
fails leaves no file. With --json and -o: {"file", "records"} when it is done.

    souk usage export -o usage.csv
    souk usage export --from 2026-12-01 --to 2027-01-01 | gzip > december.jsonl.gz`
}

func (c *usageExportCmd) Validate() error {
	if c.JSON && c.toStdout() {
		return errors.New("--json goes with -o: it is about what to print of an export that went to a file; see --format for what the export is")
	}
	return nil
}

func (c *usageExportCmd) toStdout() bool { return c.Output == "" || c.Output == "-" }

func (c *usageExportCmd) format() string {
	switch {
	case c.Format != "auto":
		return c.Format
	case strings.EqualFold(filepath.Ext(c.Output), ".csv"):
		return "csv"
	}
	return "jsonl"
}

func (c *usageExportCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	export, err := client.ExportUsage(a.ctx, c.query(), c.format())
	if err != nil {
		return err
	}
	defer export.Body.Close()
	if c.toStdout() {
		_, err := io.Copy(a.stdout, export.Body)
		return exportError(a, err)
	}
	lines := &lineCounter{total: export.Records}
	if c.format() == "csv" {
		lines.n = -1 // its head
	}
	lines.bar = a.progress("exporting")
	err = writeStream(c.Output, io.TeeReader(export.Body, lines))
	lines.bar.done()
	if err != nil {
		return exportError(a, err)
	}
	if c.JSON {
		return printJSON(a.stdout, map[string]any{"file": c.Output, "records": lines.n})
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s\n", oneLine(c.Output), counted(int(lines.n), "record"))
	return err
}

// exportError says of an export that came to no end that there is nothing wrong with the file.
func exportError(a *app, err error) error {
	switch {
	case a.ctx.Err() != nil:
		return errors.New("interrupted")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the souk broke off the export before its end; its log tells why: %w", err)
	}
	return err
}

// lineCounter counts the records that go by: neither format has line ends within one.
type lineCounter struct {
	n, total int64
	bar      *progress
}

func (l *lineCounter) Write(p []byte) (int, error) {
	l.n += int64(bytes.Count(p, []byte{'\n'}))
	l.bar.at(l.n, l.total)
	return len(p), nil
}
