package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/quota"
)

// nodeFlags are the settings that dev and serve share. Each is a flag and a variable.
type nodeFlags struct {
	Listen  string `default:"127.0.0.1:7685" env:"SOUK_LISTEN" placeholder:"HOST:PORT" help:"Where the AWS face listens: the endpoint that SDKs are pointed at. Port 0 picks a free one."`
	Control string `default:"127.0.0.1:7686" env:"SOUK_CONTROL_LISTEN" placeholder:"HOST:PORT" help:"Where the control listener is: storefront, control API, metrics. Keep it on loopback, or give it a credential."`

	ControlTokenFile string `env:"SOUK_CONTROL_TOKEN_FILE" type:"path" placeholder:"FILE" help:"A file that holds the credential of the control listener (SOUK_CONTROL_TOKEN gives it directly). Without one the control listener must be on loopback."`

	ControlHosts []string `env:"SOUK_CONTROL_HOSTS" placeholder:"NAME" help:"Further names by which the control listener may be called while it is on loopback: those that a reverse proxy passes on."`

	Region    string `default:"us-east-1" env:"SOUK_REGION" help:"The Region to tell clients, and that the built-in registration page signs for. Requests of any Region are answered."`
	PinRegion bool   `env:"SOUK_PIN_REGION" help:"Answer requests of --region only; a signature for any other is refused with the 'valid region' error."`
	Regions   string `default:"aws" env:"SOUK_REGIONS" placeholder:"aws|all|A,B,C" help:"In which Regions the API exists: AWS's documented table, all, or a list. Elsewhere, calls get the error that AWS has for it, such as DisabledApiException."`

	TokenLife  time.Duration     `default:"4h" env:"SOUK_TOKEN_LIFE" placeholder:"DURATION" help:"How long a registration token lives, where the product does not say itself. At most 168h."`
	TokenReuse market.TokenReuse `default:"replay" enum:"replay,single" env:"SOUK_TOKEN_REUSE" help:"What a second redemption of a token does: 'replay' gives the same answer until it expires, 'single' refuses with ExpiredTokenException."`

	UsageWindow time.Duration `default:"24h" env:"SOUK_USAGE_WINDOW" placeholder:"24h|6h" help:"How far back BatchMeterUsage takes records: AWS's rule since July 2026, or the older one that the SDKs' documentation still has."`

	MaxStaleness time.Duration `default:"1s" env:"SOUK_MAX_STALENESS" placeholder:"DURATION" help:"With a store that nodes share: how long to go on answering from memory when the database cannot be asked what others have changed. After that, ServiceUnavailable. 0 goes on for ever."`

	MaxWait        time.Duration `default:"1s" env:"SOUK_MAX_WAIT" placeholder:"DURATION" help:"When more is asked than can be answered: how long a request waits for its turn before it is refused with ThrottlingException. 0 lets it wait for as long as it takes."`
	MaxConnections int           `default:"20000" env:"SOUK_MAX_CONNECTIONS" placeholder:"N" help:"How many connections the AWS face has open; further clients wait to be accepted. Never more than the process may open files. 0: as many as that."`

	AccessLog     string `env:"SOUK_ACCESS_LOG" placeholder:"FILE" help:"Write one line of JSON for each request on the AWS face to this file; '-' is standard error. Off by default."`
	Requests      int    `default:"1000" env:"SOUK_REQUESTS" help:"How many request records to keep in memory for 'souk requests'."`
	FaultSeed     uint64 `env:"SOUK_FAULT_SEED" help:"Seed of the faults' dice. 0 draws one, and says which at the start."`
	EchoCanonical bool   `env:"SOUK_ECHO_CANONICAL" help:"Put the canonical request into the message of an InvalidSignatureException, as some AWS services do. It is in the request record anyway."`
}

// Validate finds what kong's own checks cannot.
func (f *nodeFlags) Validate() error {
	if f.UsageWindow != market.DefaultUsageWindow && f.UsageWindow != market.OlderUsageWindow {
		return fmt.Errorf("--usage-window %s: must be 24h or 6h", f.UsageWindow)
	}
	if f.MaxWait < 0 || f.MaxConnections < 0 {
		return fmt.Errorf("--max-wait and --max-connections must not be negative")
	}
	return nil
}

// nodeConfig is all that startNode needs to know.
type nodeConfig struct {
	nodeFlags
	storeFlags          // neither given: everything is kept in memory
	Mode         string // "dev" or "serve"
	Create       bool   // make the store if it does not exist
	Sample       bool   // fill an empty store with the sample marketplace
	Simulation   bool   // clock and faults can be controlled
	Relaxed      bool   // unknown keys are let in
	Quotas       string // "aws", "off", or a file
	TLSCert      string
	TLSKey       string
	ControlToken string

	// ControlTimeout is how long a client of the control listener may take over a request; 0: 30 seconds. Tests shorten it.
	ControlTimeout time.Duration
}

func (c *nodeConfig) controlTimeout() time.Duration {
	if c.ControlTimeout == 0 {
		return 30 * time.Second
	}
	return c.ControlTimeout
}

func (c *nodeConfig) regions() (market.Regions, error) {
	switch c.Regions {
	case "aws":
		return market.AWSRegions(), nil
	case "all":
		return market.AllRegions(), nil
	}
	names := strings.Split(c.Regions, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if names[i] == "" {
			return market.Regions{}, fmt.Errorf("--regions %q: must be 'aws', 'all' or names with commas between them", c.Regions)
		}
	}
	return market.OnlyRegions(names...), nil
}

func (c *nodeConfig) quotas() (quota.Limits, error) {
	switch c.Quotas {
	case "aws":
		return quota.AWS(), nil
	case "off", "":
		return quota.Off(), nil
	}
	src, err := os.ReadFile(c.Quotas)
	if err != nil {
		return quota.Limits{}, fmt.Errorf("--quotas: %w", err)
	}
	limits, err := quota.Parse(src)
	if err != nil {
		return quota.Limits{}, fmt.Errorf("--quotas %s: %w", c.Quotas, err)
	}
	return limits, nil
}

func (c *nodeConfig) tls() (*tls.Config, error) {
	if c.TLSCert == "" && c.TLSKey == "" {
		return nil, nil
	}
	if c.TLSCert == "" || c.TLSKey == "" {
		return nil, fmt.Errorf("--tls-cert and --tls-key go together")
	}
	cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("load certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// minToken is how long a credential of the control listener has to be, in characters.
const minToken = 16

// controlToken reads the credential of the control listener from its file or its variable; "" if there is none.
func controlToken(file string, getenv func(string) string) (string, error) {
	token, from := getenv("SOUK_CONTROL_TOKEN"), "SOUK_CONTROL_TOKEN"
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("--control-token-file: %w", err)
		}
		token, from = strings.TrimSpace(string(b)), "--control-token-file "+file
	}
	if len(token) < minToken && (token != "" || file != "") {
		return "", fmt.Errorf("%s: a credential has at least %d characters", from, minToken)
	}
	return token, nil
}
