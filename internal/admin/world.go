package admin

import (
	"errors"
	"net/http"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/world"
)

const (
	worldPath = "/api/v1/world"
	yamlType  = "application/yaml" // RFC 9512
)

func (a *API) exportWorld(w http.ResponseWriter, r *http.Request) error {
	secrets, err := truth(r.URL.Query(), "secrets")
	if err != nil {
		return err
	}
	state, err := a.service.World(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	text, err := world.Marshal(state, world.Options{Secrets: secrets})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", yamlType)
	h.Set("Cache-Control", "no-store")
	w.Write(text) // an error here means that the client has gone
	return nil
}

// applyWorld takes a world file. JSON is YAML, and text/yaml and application/x-yaml were its names before RFC 9512.
func (a *API) applyWorld(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, MaxWorldBody, yamlType, "application/x-yaml", "text/yaml", "application/json")
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request has no body; a world file is expected")
	}
	file, err := world.Parse(body)
	if err != nil {
		return err
	}
	changes, err := a.service.ApplyWorld(r.Context(), market.Operator(), file.World)
	var m *market.Error
	if errors.As(err, &m) && len(m.Problems) > 0 {
		located := *m
		located.Problems = file.Locate(m.Problems)
		return &located
	}
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, changes)
}
