package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/fault"
)

// faultCmds is `souk fault`.
type faultCmds struct {
	List   faultListCmd   `cmd:"" default:"withargs" help:"List the rules, and how often each has fired."`
	Add    faultAddCmd    `cmd:"" help:"Add a rule by which calls fail, wait, or lose their answers."`
	Remove faultRemoveCmd `cmd:"" help:"Remove rules."`
	Clear  faultClearCmd  `cmd:"" help:"Remove all rules."`
}

func (faultCmds) Help() string {
	return `A rule says which calls a fault befalls, when, and what happens to them. Rules can be set where 'souk dev' runs, or 'souk serve --simulation'.

    souk fault add --operation ResolveCustomer --refuse ThrottlingException --times 2
    souk fault
    souk fault clear`
}

// faultAddCmd is `souk fault add`.
type faultAddCmd struct {
	remote
	Operation string `group:"Which calls:" placeholder:"NAME" help:"Only this operation, such as ResolveCustomer."`
	Principal string `group:"Which calls:" placeholder:"WHO" help:"Only this caller: an account, or an ARN in which * and ? are wildcards."`
	Product   string `group:"Which calls:" placeholder:"CODE" help:"Only calls about this product."`
	Attempt   int    `group:"Which calls:" placeholder:"N" help:"Only the SDK's nth attempt, from 1, as its header amz-sdk-request says."`

	Nth         int     `group:"When:" xor:"when" placeholder:"N" help:"Only the nth call that matches."`
	Every       int     `group:"When:" xor:"when" placeholder:"N" help:"Every nth call that matches."`
	Probability float64 `group:"When:" xor:"when" placeholder:"P" help:"Each call that matches with this probability, up to 1."`
	Times       int     `group:"When:" placeholder:"N" help:"At most so many times. Without end, if left out."`

	Refuse      string        `group:"What happens:" xor:"what" placeholder:"CODE" help:"Answer with this error, before anything is done."`
	Message     string        `group:"What happens:" placeholder:"TEXT" help:"The message with it. The error's usual one, if left out."`
	Cut         bool          `group:"What happens:" xor:"what" help:"Close the connection before anything is done."`
	Lose        bool          `group:"What happens:" xor:"what" help:"Do it, and close the connection in place of the answer."`
	Unprocessed int           `group:"What happens:" xor:"what" placeholder:"K" help:"Leave the last K records of a BatchMeterUsage unprocessed: they come back as UnprocessedRecords, to be sent again."`
	Delay       time.Duration `group:"What happens:" placeholder:"DURATION" help:"Wait so long first. Alone, or before one of the others."`
}

func (faultAddCmd) Help() string {
	return `Adds a rule. All the conditions that are given must hold; without any, every call matches. Rules are tried in the order in which they were
added, and the first that fires decides.

Two throttled calls, which every SDK gets over by itself:

    souk fault add --operation ResolveCustomer --refuse ThrottlingException --times 2

An answer that is lost after the work was done; a slow service; one call of four that fails:

    souk fault add --lose --times 1
    souk fault add --delay 3s
    souk fault add --probability 0.25 --refuse InternalServiceErrorException

A batch of usage records of which some come back unprocessed:

    souk fault add --unprocessed 2 --times 1`
}

func (c *faultAddCmd) Validate() error {
	switch {
	case c.Unprocessed < 0:
		return fmt.Errorf("--unprocessed must not be negative")
	case c.Refuse == "" && !c.Cut && !c.Lose && c.Unprocessed == 0 && c.Delay == 0:
		return fmt.Errorf("one of --refuse, --cut, --lose, --unprocessed and --delay is needed: the rule would do nothing")
	case c.Message != "" && c.Refuse == "":
		return fmt.Errorf("--message goes with --refuse")
	}
	return nil
}

func (c *faultAddCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	rule, err := client.AddFault(a.ctx, fault.Rule{
		Operation: c.Operation, Principal: c.Principal, ProductCode: c.Product, Attempt: c.Attempt,
		Nth: c.Nth, EveryN: c.Every, Probability: c.Probability, Times: c.Times,
		Refuse: c.Refuse, RefuseMessage: c.Message, Cut: c.Cut, Lose: c.Lose, Unprocessed: c.Unprocessed, Delay: c.Delay,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, rule)
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s\n", rule.ID, oneLine(faultEffect(&rule)+", "+faultScope(&rule)+", "+faultMoment(&rule)))
	return err
}

// faultEffect, faultScope and faultMoment are a rule in words.
func faultEffect(r *fault.Rule) string {
	var parts []string
	if r.Delay != 0 {
		parts = append(parts, "wait "+r.Delay.String())
	}
	switch {
	case r.Refuse != "":
		parts = append(parts, "refuse with "+r.Refuse)
	case r.Cut:
		parts = append(parts, "cut the connection")
	case r.Lose:
		parts = append(parts, "lose the answer")
	case r.Unprocessed != 0:
		parts = append(parts, "leave "+counted(r.Unprocessed, "record")+" unprocessed")
	}
	return strings.Join(parts, ", then ")
}

func faultScope(r *fault.Rule) string {
	what := "any operation"
	if r.Operation != "" {
		what = r.Operation
	}
	if r.Principal != "" {
		what += " by " + r.Principal
	}
	if r.ProductCode != "" {
		what += " about " + r.ProductCode
	}
	if r.Attempt != 0 {
		what += " at attempt " + strconv.Itoa(r.Attempt)
	}
	return what
}

func faultMoment(r *fault.Rule) string {
	when := "always"
	switch {
	case r.Nth != 0:
		when = "call " + strconv.Itoa(r.Nth) + " only"
	case r.EveryN != 0:
		when = "every " + strconv.Itoa(r.EveryN) + " calls"
	case r.Probability != 0:
		when = "with probability " + strconv.FormatFloat(r.Probability, 'g', -1, 64)
	}
	if r.Times != 0 {
		when += ", at most " + counted(r.Times, "time")
	}
	return when
}

type faultListCmd struct{ remote }

func (faultListCmd) Help() string {
	return `Lists the rules in the order in which they are tried, how many calls each matched and how many it befell, and the seed that probabilities draw from.
With the same seed ('souk dev --fault-seed') the same calls meet the same fate.

    souk fault list`
}

func (c *faultListCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	list, err := client.Faults(a.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, list)
	}
	if len(list.Faults) == 0 {
		fmt.Fprintln(a.stderr, "no rules: every call is answered as it should be")
		return nil
	}
	rows := [][]string{{"ID", "EFFECT", "WHICH", "WHEN", "MATCHED", "FIRED"}}
	for _, r := range list.Faults {
		rows = append(rows, []string{cell(r.ID), cell(faultEffect(&r)), cell(faultScope(&r)), cell(faultMoment(&r)), fmt.Sprint(r.Matched), fmt.Sprint(r.Fired)})
	}
	if err := table(a.stdout, rows); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "\nseed %d\n", list.Seed)
	return err
}

type faultRemoveCmd struct {
	remote
	ID []string `arg:"" help:"IDs of rules."`
}

func (faultRemoveCmd) Help() string {
	return `Removes rules by the ids that 'souk fault list' shows.

    souk fault remove flt-1 flt-2`
}

func (c *faultRemoveCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	for _, id := range c.ID {
		if err := client.RemoveFault(a.ctx, id); err != nil {
			return fmt.Errorf("%w\nhint: souk fault list", err)
		}
	}
	return c.removed(a, len(c.ID))
}

type faultClearCmd struct{ remote }

func (faultClearCmd) Help() string {
	return `Removes all rules.

    souk fault clear`
}

func (c *faultClearCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	n, err := client.ClearFaults(a.ctx)
	if err != nil {
		return err
	}
	return c.removed(a, n)
}

func (r remote) removed(a *app, rules int) error {
	if r.JSON {
		return printJSON(a.stdout, map[string]int{"removed": rules})
	}
	_, err := fmt.Fprintf(a.stdout, "removed %s\n", counted(rules, "rule"))
	return err
}

// counted is "1 rule", "2 rules".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
