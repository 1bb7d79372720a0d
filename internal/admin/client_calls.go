package admin

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
)

// RequestQuery narrows a list of requests. Empty fields match all.
type RequestQuery struct {
	Operation string
	Outcome   string // "ok", "error", "cut", or an error code
	Principal string // part of the ARN, or the access key id
	Product   string // code
	Buyer     string // account
	License   string // part of the ARN
	Text      string // anywhere in the request as it is shown, in capitals or not
	Call      string // invocation id of one call of an SDK, whose attempts share it
	Before    uint64 // RequestPage.Next
	Limit     int    // from 1 to 1000; 0: 100
}

// Info is what there is to know to use this Souk.
func (c *Client) Info(ctx context.Context) (out Info, err error) {
	err = c.do(ctx, call{method: "GET", path: "/api/v1/info", out: &out})
	return out, err
}

// Healthy answers nil if the process lives.
func (c *Client) Healthy(ctx context.Context) error {
	return c.do(ctx, call{method: "GET", path: "/healthz"})
}

// Ready answers nil if requests may be sent.
func (c *Client) Ready(ctx context.Context) error {
	return c.do(ctx, call{method: "GET", path: "/readyz"})
}

// Metrics is what Prometheus scrapes.
func (c *Client) Metrics(ctx context.Context) (out []byte, err error) {
	err = c.do(ctx, call{method: "GET", path: "/metrics", out: &out})
	return out, err
}

// OpenAPI is the document of the API, in YAML.
func (c *Client) OpenAPI(ctx context.Context) (out []byte, err error) {
	err = c.do(ctx, call{method: "GET", path: "/openapi.yaml", out: &out})
	return out, err
}

// Accounts lists who there is, by id.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	var out struct{ Accounts []Account }
	err := c.do(ctx, call{method: "GET", path: "/api/v1/accounts", out: &out})
	return out.Accounts, err
}

// Customers lists the buyers that have a CustomerIdentifier, by account.
func (c *Client) Customers(ctx context.Context) ([]Customer, error) {
	var out struct{ Customers []Customer }
	err := c.do(ctx, call{method: "GET", path: "/api/v1/customers", out: &out})
	return out.Customers, err
}

// Products lists what is for sale, by code, without offers.
func (c *Client) Products(ctx context.Context) ([]Product, error) {
	var out struct{ Products []Product }
	err := c.do(ctx, call{method: "GET", path: "/api/v1/products", out: &out})
	return out.Products, err
}

// Product finds a product, with its offers.
func (c *Client) Product(ctx context.Context, code string) (out Product, err error) {
	err = c.do(ctx, call{method: "GET", path: "/api/v1/products/" + segment(code), out: &out})
	return out, err
}

// ChangeProduct changes a product for the next token and the next form.
func (c *Client) ChangeProduct(ctx context.Context, code string, change ProductChange) (out Product, err error) {
	err = c.do(ctx, call{method: "PATCH", path: "/api/v1/products/" + segment(code), in: change, out: &out})
	return out, err
}

// Buy accepts an offer and mints a token.
func (c *Client) Buy(ctx context.Context, in PurchaseInput) (out Purchase, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/purchases", in: in, out: &out})
	return out, err
}

// WorldOptions says what of a world is exported.
type WorldOptions struct {
	Secrets bool // of access keys
}

// World exports the marketplace as a world file.
func (c *Client) World(ctx context.Context, opt WorldOptions) (out []byte, err error) {
	q := url.Values{}
	if opt.Secrets {
		q.Set("secrets", "true")
	}
	err = c.do(ctx, call{method: "GET", path: worldPath, query: q, out: &out})
	return out, err
}

// ApplyWorld applies a world file: all of it, or nothing and an *APIError whose Problems have their lines.
func (c *Client) ApplyWorld(ctx context.Context, file []byte) (out market.Changes, err error) {
	err = c.do(ctx, call{method: "PUT", path: worldPath, yaml: file, out: &out})
	return out, err
}

// Clock is the market's clock.
func (c *Client) Clock(ctx context.Context) (out ClockState, err error) {
	err = c.do(ctx, call{method: "GET", path: "/api/v1/clock", out: &out})
	return out, err
}

// AdvanceClock moves the clock forwards.
func (c *Client) AdvanceClock(ctx context.Context, by time.Duration) (out ClockState, err error) {
	in := map[string]string{"by": by.String()}
	err = c.do(ctx, call{method: "POST", path: "/api/v1/clock/advance", in: in, out: &out})
	return out, err
}

// SetClock moves the clock forwards to an instant.
func (c *Client) SetClock(ctx context.Context, to time.Time) (out ClockState, err error) {
	in := map[string]string{"to": to.UTC().Format(time.RFC3339Nano)}
	err = c.do(ctx, call{method: "POST", path: "/api/v1/clock/set", in: in, out: &out})
	return out, err
}

// DueClock moves the clock to where the next thing falls due by itself.
func (c *Client) DueClock(ctx context.Context) (out ClockState, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/clock/due", out: &out})
	return out, err
}

// FreezeClock stops the clock.
func (c *Client) FreezeClock(ctx context.Context) (out ClockState, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/clock/freeze", out: &out})
	return out, err
}

// ResumeClock lets the clock run on from where it stands.
func (c *Client) ResumeClock(ctx context.Context) (out ClockState, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/clock/resume", out: &out})
	return out, err
}

// Faults lists the fault rules, in the order added.
func (c *Client) Faults(ctx context.Context) (out FaultList, err error) {
	err = c.do(ctx, call{method: "GET", path: "/api/v1/faults", out: &out})
	return out, err
}

// AddFault adds a fault rule and returns it with its ID.
func (c *Client) AddFault(ctx context.Context, rule fault.Rule) (out fault.Rule, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/faults", in: rule, out: &out})
	return out, err
}

// RemoveFault ends a fault rule.
func (c *Client) RemoveFault(ctx context.Context, id string) error {
	return c.do(ctx, call{method: "DELETE", path: "/api/v1/faults/" + segment(id)})
}

// ClearFaults ends all fault rules and returns how many there were.
func (c *Client) ClearFaults(ctx context.Context) (int, error) {
	var out struct{ Cleared int }
	err := c.do(ctx, call{method: "DELETE", path: "/api/v1/faults", out: &out})
	return out.Cleared, err
}

// Requests lists the requests that the AWS face answered, newest first.
func (c *Client) Requests(ctx context.Context, q RequestQuery) (out RequestPage, err error) {
	v := url.Values{}
	set(v, "operation", q.Operation)
	set(v, "outcome", q.Outcome)
	set(v, "principal", q.Principal)
	set(v, "product", q.Product)
	set(v, "buyer", q.Buyer)
	set(v, "license", q.License)
	set(v, "text", q.Text)
	set(v, "call", q.Call)
	setNumber(v, "before", q.Before)
	setNumber(v, "limit", q.Limit)
	err = c.do(ctx, call{method: "GET", path: "/api/v1/requests", query: v, out: &out})
	return out, err
}

// Request finds a request by its x-amzn-RequestId.
func (c *Client) Request(ctx context.Context, id string) (out reqlog.View, err error) {
	err = c.do(ctx, call{method: "GET", path: "/api/v1/requests/" + segment(id), out: &out})
	return out, err
}

// Replay sends a request again, and returns the new one.
func (c *Client) Replay(ctx context.Context, id string, in ReplayInput) (out reqlog.View, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/requests/" + segment(id) + "/replay", in: in, out: &out})
	return out, err
}

// TokenKeys lists the sealing keys, oldest first.
func (c *Client) TokenKeys(ctx context.Context) ([]TokenKey, error) {
	var out struct {
		TokenKeys []TokenKey `json:"token_keys"`
	}
	err := c.do(ctx, call{method: "GET", path: "/api/v1/token-keys", out: &out})
	return out.TokenKeys, err
}

// RotateTokenKey makes a new sealing key; the others go on opening.
func (c *Client) RotateTokenKey(ctx context.Context) (out TokenKey, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/token-keys", out: &out})
	return out, err
}

// RetireTokenKey makes a sealing key open nothing any more.
func (c *Client) RetireTokenKey(ctx context.Context, id string) error {
	return c.do(ctx, call{method: "DELETE", path: "/api/v1/token-keys/" + segment(id)})
}

// SigningKeys lists the public halves of the keys that RegisterUsage signs with, oldest first.
func (c *Client) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	var out struct {
		SigningKeys []SigningKey `json:"signing_keys"`
	}
	err := c.do(ctx, call{method: "GET", path: "/api/v1/signing-keys", out: &out})
	return out.SigningKeys, err
}

// RotateSigningKey makes a new signing key; the others go on signing for those who ask for their version.
func (c *Client) RotateSigningKey(ctx context.Context) (out SigningKey, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/signing-keys/rotate", out: &out})
	return out, err
}

// IssueSession makes temporary credentials of a role.
func (c *Client) IssueSession(ctx context.Context, in SessionInput) (out account.Session, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/sessions", in: in, out: &out})
	return out, err
}

// Check lists what does not hold of the stored state; nothing if it is sound.
func (c *Client) Check(ctx context.Context) (out CheckReport, err error) {
	err = c.do(ctx, call{method: "GET", path: "/api/v1/check", out: &out})
	return out, err
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setNumber[T int | int64 | uint64](v url.Values, name string, n T) {
	if n != 0 {
		v.Set(name, strconv.FormatInt(int64(n), 10))
	}
}
