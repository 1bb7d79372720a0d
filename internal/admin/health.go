package admin

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.yaml.in/yaml/v3"
)

// openAPI is the document of this API, in YAML.
//
//go:embed openapi.yaml
var openAPI []byte

// readyTimeout is how long a readiness probe waits for the store. Kubernetes itself waits one second by default.
const readyTimeout = 5 * time.Second

// getHealth says that the process lives, whatever its store does.
func (a *API) getHealth(w http.ResponseWriter, r *http.Request) error {
	return answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// getReady says whether requests should be sent here.
func (a *API) getReady(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := a.ready(ctx); err != nil {
		a.logger.LogAttrs(ctx, slog.LevelWarn, "not ready", slog.String("error", err.Error()))
		return refuse(http.StatusServiceUnavailable, CodeUnavailable, "not ready; the log tells why")
	}
	return answer(w, http.StatusOK, map[string]string{"status": "ready"})
}

func (a *API) getMetrics(w http.ResponseWriter, r *http.Request) error {
	a.metrics.ServeHTTP(w, r)
	return nil
}

func metricsHandler(g prometheus.Gatherer, log *slog.Logger) http.Handler {
	if g == nil {
		g = prometheus.NewRegistry()
	}
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelError),
		ErrorHandling: promhttp.ContinueOnError, // one bad collector does not hide the others
	})
}

func (a *API) getOpenAPI(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Write(openAPI)
	return nil
}

// getOpenAPIJSON is the same document for tools that read no YAML. Nobody asks often enough for it to be kept.
func (a *API) getOpenAPIJSON(w http.ResponseWriter, r *http.Request) error {
	var doc map[string]any
	if err := yaml.Unmarshal(openAPI, &doc); err != nil {
		return fmt.Errorf("admin: parse openapi.yaml: %w", err)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("admin: write openapi.json: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
	return nil
}
