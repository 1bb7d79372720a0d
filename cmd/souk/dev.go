package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/souk-market/souk/internal/admin"
)

// devCmd is `souk dev`.
type devCmd struct {
	nodeFlags
	Data   string `env:"SOUK_DATA" type:"path" placeholder:"DIR" help:"Keep everything in this directory. Without it all is in memory, and gone at the end."`
	Auth   string `default:"strict" enum:"strict,relaxed" env:"SOUK_AUTH" help:"'relaxed' lets unknown access keys in, signature unchecked: twelve digits are that account, anything else is the sample seller."`
	Quotas string `default:"aws" env:"SOUK_QUOTAS" placeholder:"aws|off|FILE" help:"How many calls a second each account may make in a Region: AWS's documented rates, no limit, or a file."`
	storeKey
	JSON bool `help:"Print one line of JSON when ready, instead of the text for people."`
}

func (devCmd) Help() string {
	return `A whole marketplace on your machine: two sellers, two buyers, a product of each kind, fixed sample keys, a movable clock and faults.
Everything is in memory unless --data names a directory.

When it is ready it prints the variables that point an AWS SDK at it. In another terminal:

    eval "$(souk env)"
    souk buy --product 7gs5x0soukanalytics0legac --json
    aws meteringmarketplace resolve-customer --registration-token TOKEN

It is not safe to expose: its keys are public.`
}

func (c *devCmd) Run(a *app) error {
	token, err := controlToken(c.ControlTokenFile, a.getenv)
	if err != nil {
		return err
	}
	n, err := startNode(a.ctx, nodeConfig{
		nodeFlags: c.nodeFlags, Mode: "dev", storeFlags: storeFlags{Data: c.Data, storeKey: c.storeKey}, Create: true, Sample: true, Simulation: true,
		Relaxed: c.Auth == "relaxed", Quotas: c.Quotas, ControlToken: token,
	}, a.getenv, a.stderr)
	if err != nil {
		return (&storeFlags{Data: c.Data}).explain(err)
	}
	if c.JSON {
		err = json.NewEncoder(a.stdout).Encode(n.Info())
	} else {
		printReady(a.stdout, n.Info())
	}
	if err == nil {
		err = n.Wait(a.ctx)
	}
	if closeErr := n.Close(); err == nil {
		err = closeErr
	}
	return err
}

// printReady says, ready to paste, how to use what has just started.
func printReady(w io.Writer, i admin.Info) {
	fmt.Fprintf(w, "souk is ready: an AWS marketplace of your own. Its keys are public: keep it on this machine.\n\n")
	for _, k := range i.Keys {
		if k.Name == "seller" {
			fmt.Fprintf(w, "  export %s=%s\n", meteringVariable, i.Endpoint)
			fmt.Fprintf(w, "  export %s=%s\n", entitlementVariable, i.Endpoint)
			fmt.Fprintf(w, "  export AWS_REGION=%s AWS_DEFAULT_REGION=%s\n", i.Region, i.Region) // boto3 and the CLI read the latter
			fmt.Fprintf(w, "  export AWS_ACCESS_KEY_ID=%s\n", k.AccessKeyID)
			fmt.Fprintf(w, "  export AWS_SECRET_ACCESS_KEY=%s\n\n", k.SecretAccessKey)
		}
	}
	fmt.Fprintf(w, "  storefront   %s/\n", i.Control)
	if len(i.Products) > 0 {
		fmt.Fprintf(w, "  next         souk buy --product %s%s\n\n", i.Products[len(i.Products)-1].ProductCode, controlFlag(i.Control))
	}
}

// controlFlag is what other commands need to find a Souk that is not at the usual place.
func controlFlag(control string) string {
	if control == "http://127.0.0.1:7686" {
		return ""
	}
	return " --control " + control
}
