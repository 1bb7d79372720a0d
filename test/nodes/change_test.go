package nodes

import (
	"net/http"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/pgtest"
	"github.com/souk-market/souk/internal/sigv4"
)

// What one node is told, the others know: tokens and keys at once or within the promise, however many notifications get lost.
func TestAChangeHoldsOnEveryNode(t *testing.T) {
	server := pgtest.Shared(t)
	c := start(t, server, 3)
	changes := func(t *testing.T) {
		c := &cluster{t: t, url: c.url, nodes: c.nodes, buyers: c.buyers}
		t.Run("a token of one node resolves on the others at once", func(t *testing.T) {
			p := c.buy(0, analytics, anyCompany)
			for node := range c.nodes {
				if code := c.resolve(node, sellerKey, p.RegistrationToken); code != "" {
					t.Errorf("node %d: %s", node, code)
				}
			}
		})
		t.Run("also under a sealing key that they have not heard of", func(t *testing.T) {
			for range 5 {
				c.control(0, http.MethodPost, "/api/v1/token-keys", nil, nil)
				p := c.buy(0, analytics, anyCompany)
				if code := c.resolve(1, sellerKey, p.RegistrationToken); code != "" {
					t.Errorf("node 1: %s", code)
				}
			}
		})
		token := c.buy(0, analytics, anyCompany).RegistrationToken
		key := sigv4.Key{AccessKeyID: "AKIANODESTEST" + time.Now().Format("150405"), Secret: "nodes+test/0000000000000000000000000000"}
		user := func(allow bool, inactive bool) []byte {
			effect := "Deny"
			if allow {
				effect = "Allow"
			}
			status := ""
			if inactive {
				status = ", active: false"
			}
			return []byte(`
version: 1
users:
  - account: "` + seller + `"
    name: nodes
    policies:
      - name: P
        document: {Version: "2012-10-17", Statement: [{Effect: ` + effect + `, Action: "aws-marketplace:*", Resource: "*"}]}
    access_keys:
      - {id: ` + key.AccessKeyID + `, secret: ` + key.Secret + status + `}
`)
		}
		for _, step := range []struct {
			name  string
			world []byte
			code  string
		}{
			{"a new key opens", user(true, false), ""},
			{"a policy denies", user(false, false), "AccessDeniedException"},
			{"a policy allows", user(true, false), ""},
			{"a key that was made inactive opens nothing", user(true, true), "UnrecognizedClientException"},
		} {
			t.Run(step.name, func(t *testing.T) {
				c := &cluster{t: t, url: c.url, nodes: c.nodes, buyers: c.buyers}
				c.control(0, http.MethodPut, "/api/v1/world", step.world, nil)
				for node := range c.nodes {
					c.within(step.name, func() bool { return c.resolve(node, key, token) == step.code })
				}
			})
		}
		t.Run("an agreement that ended takes no usage of its time after", func(t *testing.T) {
			c := &cluster{t: t, url: c.url, nodes: c.nodes, buyers: c.buyers}
			buyer := c.newBuyer()
			p := c.buy(0, analytics, buyer)
			usage := func(node int) string {
				a := c.call(node, sellerKey, "BatchMeterUsage", batch(buyer, "queries", time.Now(), 1))
				return status(t, a)
			}
			for node := range c.nodes { // all have it in memory from here on
				c.within("metered", func() bool { s := usage(node); return s == "Success" })
			}
			c.control(0, http.MethodPost, "/api/v1/agreements/"+p.AgreementID+"/suspend", map[string]any{}, nil)
			for node := range c.nodes {
				c.within("suspended", func() bool { return usage(node) == "CustomerNotSubscribed" })
			}
			c.control(1, http.MethodPost, "/api/v1/agreements/"+p.AgreementID+"/reinstate", map[string]any{}, nil)
			for node := range c.nodes {
				c.within("reinstated", func() bool { return usage(node) == "Success" })
			}
			c.control(2, http.MethodPost, "/api/v1/agreements/"+p.AgreementID+"/cancel", map[string]any{}, nil)
		})
	}
	t.Run("by notification", changes)
	t.Run("by polling, when connections that listen are cut", func(t *testing.T) {
		stop := c.cutListeners()
		changes(t)
		stop()
	})
}
