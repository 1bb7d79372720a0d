package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/souk-market/souk/internal/admin"
)

// remote is how a command finds the Souk that it talks to. Commands embed it.
type remote struct {
	Control          string `default:"127.0.0.1:7686" env:"SOUK_CONTROL" placeholder:"HOST:PORT" help:"The control listener of the Souk to talk to; a URL will do too."`
	ControlTokenFile string `env:"SOUK_CONTROL_TOKEN_FILE" type:"path" placeholder:"FILE" help:"A file that holds its credential, where it wants one (SOUK_CONTROL_TOKEN gives it directly)."`
	JSON             bool   `help:"Print JSON, for programs."`
}

func (r *remote) client(a *app) (*admin.Client, error) {
	token := a.getenv("SOUK_CONTROL_TOKEN")
	if r.ControlTokenFile != "" {
		b, err := os.ReadFile(r.ControlTokenFile)
		if err != nil {
			return nil, fmt.Errorf("--control-token-file: %w", err)
		}
		token = strings.TrimSpace(string(b))
	}
	return admin.NewClient(r.Control, token)
}
