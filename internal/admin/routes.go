package admin

import "slices"

// route is one line of the API. The paths are those of openapi.yaml, and a test holds the two together.
type route struct {
	method, path string
	handle       handle
	query        []string // the parameters that it takes
}

func (a *API) routes() []route {
	return []route{
		{"GET", "/healthz", a.getHealth, nil},
		{"GET", "/readyz", a.getReady, nil},
		{"GET", "/metrics", a.getMetrics, nil},
		{"GET", "/openapi.yaml", a.getOpenAPI, nil},
		{"GET", "/openapi.json", a.getOpenAPIJSON, nil},

		{"GET", "/api/v1/info", a.getInfo, nil},
		{"GET", "/api/v1/accounts", a.listAccounts, nil},
		{"GET", "/api/v1/customers", a.listCustomers, nil},
		{"GET", "/api/v1/products", a.listProducts, nil},
		{"GET", "/api/v1/products/{code}", a.getProduct, nil},
		{"PATCH", "/api/v1/products/{code}", a.changeProduct, nil},
		{"POST", "/api/v1/products/{code}/try", a.tryProduct, nil},
		{"POST", "/api/v1/purchases", a.buy, nil},
		{"GET", "/api/v1/agreements", a.listAgreements, []string{"product", "buyer", "status", "after", "limit"}},
		{"GET", "/api/v1/agreements/{id}", a.getAgreement, nil},
		{"GET", "/api/v1/agreements/{id}/events", a.listEvents, []string{"after", "limit"}},
		{"POST", "/api/v1/agreements/{id}/tokens", a.mintToken, nil},
		{"POST", "/api/v1/agreements/{id}/amend", a.amendAgreement, nil},
		{"POST", "/api/v1/agreements/{id}/renew", a.renewAgreement, nil},
		{"POST", "/api/v1/agreements/{id}/replace", a.replaceAgreement, nil},
		{"POST", "/api/v1/agreements/{id}/cancel", a.cancelAgreement, nil},
		{"POST", "/api/v1/agreements/{id}/terminate", a.terminateAgreement, nil},
		{"POST", "/api/v1/agreements/{id}/expire", a.expireAgreement, nil},
		{"POST", "/api/v1/agreements/{id}/suspend", a.suspendAgreement, nil},
		{"POST", "/api/v1/agreements/{id}/reinstate", a.reinstateAgreement, nil},
		{"GET", "/api/v1/usage", a.listUsage, slices.Concat(usageFilter, []string{"after", "limit", "count"})},
		{"GET", "/api/v1/usage/sums", a.sumUsage, slices.Concat(usageFilter, []string{"by"})},
		{"GET", "/api/v1/usage/export", a.exportUsage, slices.Concat(usageFilter, []string{"format"})},
		{"GET", "/api/v1/bill", a.getBill, []string{"product", "month", "buyer", "after", "limit"}},
		{"GET", worldPath, a.exportWorld, []string{"secrets"}},
		{"PUT", worldPath, a.applyWorld, nil},

		{"GET", "/api/v1/clock", a.getClock, nil},
		{"POST", "/api/v1/clock/advance", a.advanceClock, nil},
		{"POST", "/api/v1/clock/set", a.setClock, nil},
		{"POST", "/api/v1/clock/due", a.dueClock, nil},
		{"POST", "/api/v1/clock/freeze", a.freezeClock, nil},
		{"POST", "/api/v1/clock/resume", a.resumeClock, nil},
		{"GET", "/api/v1/faults", a.listFaults, nil},
		{"POST", "/api/v1/faults", a.addFault, nil},
		{"DELETE", "/api/v1/faults", a.clearFaults, nil},
		{"DELETE", "/api/v1/faults/{id}", a.removeFault, nil},

		{"GET", "/api/v1/snapshots", a.listSnapshots, nil},
		{"PUT", "/api/v1/snapshots/{name}", a.takeSnapshot, nil},
		{"DELETE", "/api/v1/snapshots/{name}", a.dropSnapshot, nil},
		{"POST", "/api/v1/snapshots/{name}/restore", a.restoreSnapshot, nil},
		{"POST", "/api/v1/reset", a.reset, nil},

		{"GET", "/api/v1/requests", a.listRequests, []string{"operation", "outcome", "principal", "product", "buyer", "license", "text", "call", "before", "limit"}},
		{"GET", "/api/v1/requests/follow", a.followRequests, nil},
		{"GET", "/api/v1/requests/{id}", a.getRequest, nil},
		{"POST", "/api/v1/requests/{id}/replay", a.replayRequest, nil},
		{"GET", "/api/v1/token-keys", a.listTokenKeys, nil},
		{"POST", "/api/v1/token-keys", a.rotateTokenKey, nil},
		{"DELETE", "/api/v1/token-keys/{id}", a.retireTokenKey, nil},
		{"GET", "/api/v1/signing-keys", a.listSigningKeys, nil},
		{"POST", "/api/v1/signing-keys/rotate", a.rotateSigningKey, nil},
		{"POST", "/api/v1/sessions", a.issueSession, nil},
		{"GET", "/api/v1/access-keys", a.listAccessKeys, []string{"account"}},
		{"POST", "/api/v1/access-keys", a.createAccessKey, nil},
		{"PATCH", "/api/v1/access-keys/{id}", a.changeAccessKey, nil},
		{"POST", "/api/v1/evaluate", a.evaluate, nil},
		{"GET", "/api/v1/check", a.check, nil},
	}
}
