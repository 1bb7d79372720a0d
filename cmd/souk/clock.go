package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/admin"
)

// clockCmds is `souk clock`.
type clockCmds struct {
	Show    clockShowCmd    `cmd:"" default:"withargs" help:"Show the market's clock."`
	Advance clockAdvanceCmd `cmd:"" help:"Move it forwards by a span of time."`
	Set     clockSetCmd     `cmd:"" help:"Move it forwards to an instant."`
	Due     clockDueCmd     `cmd:"" help:"Move it to where the next thing falls due by itself."`
	Freeze  clockFreezeCmd  `cmd:"" help:"Stop it."`
	Resume  clockResumeCmd  `cmd:"" help:"Let it run on from where it stands."`
}

func (clockCmds) Help() string {
	return `All that a customer can observe goes by the market's clock: when tokens expire, when trials end, what aws:CurrentTime is in a policy. Signatures,
the Date header and sessions go by the wall's, so no SDK notices when the market's is moved. It can be moved where 'souk dev' runs, or 'souk serve --simulation'.

What falls due on the way (agreements that start, end, are renewed or close down) happens in its order, and is done when the command ends.

    souk clock
    souk clock advance 4h1m     every registration token from before is expired
    souk clock set 2027-01-01`
}

type clockShowCmd struct{ remote }

func (clockShowCmd) Help() string {
	return `Shows the market's clock beside the wall's, and how far they are apart.

    souk clock show --json`
}

func (c *clockShowCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	s, err := client.Clock(a.ctx)
	if err != nil {
		return err
	}
	return c.printClock(a, s)
}

type clockAdvanceCmd struct {
	remote
	By span `arg:"" name:"duration" help:"How far: 90s, 4h1m, 14d, 1d12h."`
}

func (clockAdvanceCmd) Help() string {
	return `Moves the market's clock forwards. There is no way back: agreements and events are ordered by it.

Registration tokens live four hours, so this ends all that were minted before:

    souk clock advance 4h1m`
}

func (c *clockAdvanceCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	s, err := client.AdvanceClock(a.ctx, time.Duration(c.By))
	if err != nil {
		return err
	}
	return c.printClock(a, s)
}

type clockSetCmd struct {
	remote
	To instant `arg:"" name:"time" help:"Where to, in UTC if it does not say: 2026-12-24T18:00:00Z, or 2026-12-24 for the beginning of that day."`
}

func (clockSetCmd) Help() string {
	return `Moves the market's clock forwards to an instant.

    souk clock set 2027-01-01`
}

func (c *clockSetCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	s, err := client.SetClock(a.ctx, time.Time(c.To))
	if err != nil {
		return err
	}
	return c.printClock(a, s)
}

type clockDueCmd struct{ remote }

func (clockDueCmd) Help() string {
	return `Moves the market's clock to where the next agreement starts, ends, or closes down its final hour.

    souk clock due`
}

func (c *clockDueCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	s, err := client.DueClock(a.ctx)
	if err != nil {
		return err
	}
	return c.printClock(a, s)
}

type clockFreezeCmd struct{ remote }

func (clockFreezeCmd) Help() string {
	return `Stops the market's clock where it stands. It can still be advanced and set.

    souk clock freeze`
}

func (c *clockFreezeCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	s, err := client.FreezeClock(a.ctx)
	if err != nil {
		return err
	}
	return c.printClock(a, s)
}

type clockResumeCmd struct{ remote }

func (clockResumeCmd) Help() string {
	return `Lets the market's clock run on from where it stands, without a jump.

    souk clock resume`
}

func (c *clockResumeCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	s, err := client.ResumeClock(a.ctx)
	if err != nil {
		return err
	}
	return c.printClock(a, s)
}

// printClock prints what each of these calls answers.
func (r remote) printClock(a *app, s admin.ClockState) error {
	if r.JSON {
		return printJSON(a.stdout, s)
	}
	now := stamp(s.Now)
	if s.Frozen {
		now += " (frozen)"
	}
	rows := [][]string{{"market", now}, {"wall", stamp(s.Wall)}, {"offset", cell(s.Offset)}}
	if s.Settled > 0 {
		rows = append(rows, []string{"settled", counted(s.Settled, "change") + " that fell due"})
	}
	return table(a.stdout, rows)
}

// span is a time.Duration that may be written with days.
type span time.Duration

var days = regexp.MustCompile(`^([0-9]{1,6})d(.*)$`)

// UnmarshalText reads 4h1m, 14d or 1d12h.
func (s *span) UnmarshalText(text []byte) error {
	rest, total := string(text), time.Duration(0)
	if m := days.FindStringSubmatch(rest); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 100_000 { // a time.Duration ends at 292 years
			return fmt.Errorf("must be at most 100000 days, not %q", text)
		}
		total, rest = time.Duration(n)*24*time.Hour, m[2]
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil {
			return fmt.Errorf("must be a span of time such as 90s, 4h1m or 14d, not %q", text)
		}
		total += d
	}
	if len(text) == 0 || total <= 0 {
		return fmt.Errorf("must be a span of time such as 90s, 4h1m or 14d, and more than nothing, not %q", text)
	}
	*s = span(total)
	return nil
}

// instant is a time.Time that may be written as a day.
type instant time.Time

// UnmarshalText reads RFC 3339, without its zone for UTC, and without its time for the beginning of the day.
func (i *instant) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, strings.Replace(string(text), " ", "T", 1)); err == nil {
			*i = instant(t.UTC())
			return nil
		}
	}
	return fmt.Errorf("must be an instant such as 2026-12-24T18:00:00Z or 2026-12-24, not %q", text)
}
