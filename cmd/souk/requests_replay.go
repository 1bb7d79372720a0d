package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/reqlog"
)

// requestsReplayCmd is `souk requests replay`.
type requestsReplayCmd struct {
	remote
	ID   string  `arg:"" help:"Its x-amzn-RequestId."`
	Body *string `placeholder:"JSON" help:"Send this body in place of the one that was sent; '-' reads it from standard input, '@FILE' from a file."`
}

func (requestsReplayCmd) Help() string {
	return `Sends a request again: signed anew for the caller that it had, once and without retries, to the AWS face itself. It does what it says: what it meters
is metered. A body with a registration token has to be given, since tokens are masked in what Souk keeps. In simulations only.

    souk requests replay 0b7e1f3c-3e0b-4a53-9d5b-2a6f2f1c9d11
    souk requests replay 0b7e1f3c-3e0b-4a53-9d5b-2a6f2f1c9d11 --body '{"ProductCode": "other"}'`
}

func (c *requestsReplayCmd) Run(a *app) error {
	body, err := replayBody(c.Body, a.stdin)
	if err != nil {
		return err
	}
	client, err := c.client(a)
	if err != nil {
		return err
	}
	v, err := client.Replay(a.ctx, c.ID, admin.ReplayInput{Body: body})
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

// replayBody is the body that the flag names; nil if there is no flag.
func replayBody(flag *string, stdin io.Reader) (*string, error) {
	if flag == nil {
		return nil, nil
	}
	in, name := stdin, "standard input"
	switch {
	case *flag == "-":
	case len(*flag) > 1 && (*flag)[0] == '@':
		name = (*flag)[1:]
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read body: %w", err)
		}
		defer f.Close()
		in = f
	default:
		return flag, nil
	}
	b, err := io.ReadAll(io.LimitReader(in, reqlog.MaxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read body from %s: %w", name, err)
	case len(b) > reqlog.MaxBody:
		return nil, fmt.Errorf("read body from %s: it has more than %d bytes", name, reqlog.MaxBody)
	}
	text := string(b)
	return &text, nil
}
