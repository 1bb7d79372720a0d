package main

import (
	"encoding/json"
	"fmt"
)

// serveCmd is `souk serve`.
type serveCmd struct {
	nodeFlags
	storeFlags
	Quotas     string `default:"off" env:"SOUK_QUOTAS" placeholder:"aws|off|FILE" help:"How many calls a second each account may make in a Region: AWS's documented rates, no limit, or a file."`
	Simulation bool   `env:"SOUK_SIMULATION" help:"Allow the clock to be moved and faults to be set. Not for a marketplace that somebody depends on."`
	TLSCert    string `env:"SOUK_TLS_CERT" type:"path" placeholder:"FILE" help:"Certificate of the AWS face, PEM. With --tls-key it speaks TLS."`
	TLSKey     string `env:"SOUK_TLS_KEY" type:"path" placeholder:"FILE" help:"Its private key, PEM."`
	JSON       bool   `help:"Print one line of JSON when ready, instead of the text for people."`
}

func (serveCmd) Help() string {
	return `A marketplace that lasts: everything is kept in the directory, or the database, that 'souk init' prepared, nothing is there that nobody put in, and neither
the clock nor faults can be touched. Fill it with 'souk apply'.

    souk init --data /var/lib/souk
    souk serve --data /var/lib/souk
    souk apply -f world.yaml

Any number of nodes serve one PostgreSQL database, behind any load balancer:

    souk init --store postgres://souk@db/souk
    souk serve --store postgres://souk@db/souk

A signal drains it: readiness goes off, requests under way are answered, then the store is closed. A second signal aborts.`
}

func (c *serveCmd) Run(a *app) error {
	token, err := controlToken(c.ControlTokenFile, a.getenv)
	if err != nil {
		return err
	}
	if err := c.storeFlags.check(); err != nil {
		return err
	}
	n, err := startNode(a.ctx, nodeConfig{
		nodeFlags: c.nodeFlags, Mode: "serve", storeFlags: c.storeFlags, Simulation: c.Simulation, Quotas: c.Quotas,
		TLSCert: c.TLSCert, TLSKey: c.TLSKey, ControlToken: token,
	}, a.getenv, a.stderr)
	if err != nil {
		return c.explain(err)
	}
	if c.JSON {
		err = json.NewEncoder(a.stdout).Encode(n.Info())
	} else {
		fmt.Fprintf(a.stdout, "souk is serving\n  AWS face  %s\n  control   %s\n  store     %s\n", n.Endpoint, n.Control, &c.storeFlags)
	}
	if err == nil {
		err = n.Wait(a.ctx)
	}
	if closeErr := n.Close(); err == nil {
		err = closeErr
	}
	return err
}
