package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/reqlog"
)

// requestsShowCmd is `souk requests show`.
type requestsShowCmd struct {
	remote
	ID string `arg:"" optional:"" help:"Its x-amzn-RequestId, which SDKs put into their errors. The newest request if none is given."`
}

func (requestsShowCmd) Help() string {
	return `Everything about one request: what was answered and why, who signed it, which statement of which policy decided, what it was about, the
request and the response as they were on the wire, and for a signature that did not match the canonical request and the string
to sign that it should have been made over. Tokens and signatures are masked.

    souk requests show 0b7e1f3c-3e0b-4a53-9d5b-2a6f2f1c9d11`
}

func (c *requestsShowCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	var v reqlog.View
	if c.ID != "" {
		v, err = client.Request(a.ctx, c.ID)
	} else {
		var page admin.RequestPage
		page, err = client.Requests(a.ctx, admin.RequestQuery{Limit: 1})
		if err == nil && len(page.Requests) == 0 {
			err = errors.New("there is no request yet")
		}
		if err == nil {
			v = page.Requests[0]
		}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, v)
	}
	var text bytes.Buffer
	if err := describeRequest(&text, &v, terminal(a.stdout, a.getenv)); err != nil {
		return err
	}
	_, err = text.WriteTo(a.stdout)
	return err
}

// describeRequest writes all of v for people. Everything in it that somebody sent is indented or one line.
func describeRequest(w io.Writer, v *reqlog.View, colour bool) error {
	code := colourError
	if v.Outcome == "ok" {
		code = colourOK
	}
	if v.FaultID != "" {
		code = colourFault
	}
	status := "no answer: the connection was closed"
	if v.Status != 0 {
		status = strings.TrimSpace(fmt.Sprint(v.Status, " ", http.StatusText(v.Status)))
	}
	fmt.Fprintf(w, "%s  %s  (%s)\n", paint(colour, colourHead, cell(v.Operation)), paint(colour, code, cell(v.Outcome)), status)
	d := requestText{w: w, colour: colour}
	reason, fault := v.Reason, ""
	if v.FaultID != "" {
		fault = v.FaultEffect + ", by fault rule " + v.FaultID
		if reason == "fault rule "+v.FaultID {
			reason = ""
		}
	}
	d.rows([][]string{
		{"request id", v.ID}, {"message", v.ErrorMessage}, {"reason", reason}, {"fault", fault}, {"warning", v.Warning},
		{"time", v.Time.UTC().Format("2006-01-02T15:04:05.000Z") + ", took " + took(v)}, {"market's clock", marketTime(v)},
	})
	d.part("Who", [][]string{
		{"principal", v.Principal}, {"account", v.Account}, {"access key", v.AccessKeyID}, {"region", v.Region}, {"from", v.Remote},
	})
	d.part("Time", stages(v))
	d.heading("Decision")
	d.text(decision(v.Authz))
	d.part("About", [][]string{{"product", v.ProductCode}, {"buyer", v.Buyer}, {"license", v.LicenseARN}})

	attempt := ""
	if v.Attempt > 0 {
		attempt = fmt.Sprint(v.Attempt)
	}
	d.heading("Request")
	d.rows([][]string{{"protocol", v.Protocol}, {"service", v.Service}, {"attempt", attempt}})
	head := v.Method + " " + v.Target + " " + v.Proto + "\nHost: " + v.Host
	for _, h := range v.Headers {
		head += "\n" + h.Name + ": " + h.Value
	}
	d.text(head)
	if v.Body != "" {
		d.text("\n" + pretty(v.Body))
	}
	if v.BodySize > reqlog.MaxBody {
		d.text(fmt.Sprintf("(the first %d of %d bytes)", reqlog.MaxBody, v.BodySize))
	}
	response := "Response"
	if v.Status == 0 {
		response = "Response, which was not sent"
	}
	for _, t := range [][2]string{
		{response, pretty(v.Response)},
		{"Canonical request, as it should have been signed", v.Canonical},
		{"String to sign, as it should have been signed", v.StringToSign},
	} {
		if t[1] != "" {
			d.heading(t[0])
			d.text(t[1])
		}
	}
	return d.err
}

// requestText writes its parts, and keeps the first error.
type requestText struct {
	w      io.Writer
	colour bool
	err    error
}

// part is a heading and labelled lines, or nothing if none of them has something to say.
func (d *requestText) part(heading string, rows [][]string) {
	if slices.ContainsFunc(rows, func(row []string) bool { return oneLine(row[1]) != "" }) {
		d.heading(heading)
		d.rows(rows)
	}
}

func (d *requestText) heading(s string) { d.print("\n" + paint(d.colour, colourHead, s) + "\n") }

// rows are labelled lines, without those that have nothing to say.
func (d *requestText) rows(rows [][]string) {
	var kept [][]string
	for _, row := range rows {
		if text := oneLine(row[1]); text != "" {
			kept = append(kept, []string{"  " + row[0], text})
		}
	}
	if d.err == nil {
		d.err = table(d.w, kept)
	}
}

func (d *requestText) text(s string) { d.print(indent("  ", s) + "\n") }

func (d *requestText) print(s string) {
	if d.err == nil {
		_, d.err = io.WriteString(d.w, s)
	}
}

// stages are how long each part of the request's way took.
func stages(v *reqlog.View) (rows [][]string) {
	for _, s := range v.Stages {
		rows = append(rows, []string{cell(s.Name), (time.Duration(s.DurationNS) * time.Nanosecond).Round(100 * time.Nanosecond).String()})
	}
	return rows
}

// decision is what was decided, and by which statement.
func decision(z *reqlog.AuthzView) string {
	switch {
	case z == nil:
		return "none: the request did not come that far"
	case strings.HasPrefix(z.Why, "allowed"), strings.HasPrefix(z.Why, "explicitly denied"):
		return z.Why
	case z.Allowed:
		return "allowed: " + z.Why
	}
	return "denied: " + z.Why
}

// marketTime is what the market's clock stood at, where that is not the time of day.
func marketTime(v *reqlog.View) string {
	off := v.MarketTime.Sub(v.Time)
	if off.Abs() < time.Second {
		return ""
	}
	return stamp(v.MarketTime)
}

// pretty is a body over several lines if it is JSON, and as it is otherwise.
func pretty(body string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(body), "", "  ") != nil {
		return body
	}
	return b.String()
}
