package admin

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// AccessKey is a long-lived access key. Its secret is told once, to whoever made it.
type AccessKey struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key,omitempty"`
	Account         string `json:"account"`
	User            string `json:"user"` // "": the root user
	Name            string `json:"name"`
	Note            string `json:"note"`
	Inactive        bool   `json:"inactive"`
}

// AccessKeyInput asks for one.
type AccessKeyInput struct {
	Account string `json:"account"`
	User    string `json:"user,omitempty"` // "": the root user
	Name    string `json:"name,omitempty"`
	Note    string `json:"note,omitempty"`
}

func accessKey(k account.AccessKey) AccessKey {
	return AccessKey{AccessKeyID: k.ID, Account: k.Account, User: k.User, Name: k.Name, Note: k.Note, Inactive: k.Inactive}
}

func (a *API) listAccessKeys(w http.ResponseWriter, r *http.Request) error {
	dir, err := a.service.DirectoryState(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	of := r.URL.Query().Get("account")
	out := []AccessKey{}
	for _, k := range dir.Keys {
		if of == "" || k.Account == of {
			out = append(out, accessKey(k))
		}
	}
	return answer(w, http.StatusOK, map[string][]AccessKey{"access_keys": out})
}

func (a *API) createAccessKey(w http.ResponseWriter, r *http.Request) error {
	var in AccessKeyInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	k, err := a.service.CreateAccessKey(r.Context(), market.Operator(), account.AccessKey{Account: in.Account, User: in.User, Name: in.Name, Note: in.Note})
	if err != nil {
		return err
	}
	out := accessKey(k)
	out.SecretAccessKey = k.Secret
	return answer(w, http.StatusCreated, out)
}

func (a *API) changeAccessKey(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Inactive *bool `json:"inactive"`
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.Inactive == nil {
		return invalid("inactive", "must be given")
	}
	k, err := a.service.SwitchAccessKey(r.Context(), market.Operator(), r.PathValue("id"), *in.Inactive)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, accessKey(k))
}

// AccessKeys lists an account's access keys, or all, without their secrets.
func (c *Client) AccessKeys(ctx context.Context, accountID string) ([]AccessKey, error) {
	var out struct {
		AccessKeys []AccessKey `json:"access_keys"`
	}
	q := map[string][]string{}
	set(q, "account", accountID)
	err := c.do(ctx, call{method: "GET", path: "/api/v1/access-keys", query: q, out: &out})
	return out.AccessKeys, err
}

// CreateAccessKey makes an access key, and is the only call that tells its secret.
func (c *Client) CreateAccessKey(ctx context.Context, in AccessKeyInput) (out AccessKey, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/access-keys", in: in, out: &out})
	return out, err
}

// SwitchAccessKey makes an access key inactive, or active again.
func (c *Client) SwitchAccessKey(ctx context.Context, id string, inactive bool) (out AccessKey, err error) {
	err = c.do(ctx, call{method: "PATCH", path: "/api/v1/access-keys/" + segment(id), in: map[string]bool{"inactive": inactive}, out: &out})
	return out, err
}
