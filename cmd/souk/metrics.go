package main

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/souk-market/souk/internal/reqlog"
)

// metrics counts what the AWS face answered.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	mu     sync.Mutex                           // held by whoever adds a series
	series atomic.Pointer[map[seriesKey]series] // resolved once per pair of labels: a look-up by label values costs an allocation
}

type seriesKey struct{ operation, outcome string }

type series struct {
	count   prometheus.Counter
	seconds prometheus.Observer
}

func newMetrics(r *prometheus.Registry) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_requests_total", Help: "Requests on the AWS face, by operation and outcome (ok, an error code, cut).",
		}, []string{"operation", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "souk_request_seconds", Help: "Time from the end of a request's headers to the end of its answer, in seconds.",
			Buckets: []float64{.00001, .000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .05, .25, 1, 5},
		}, []string{"operation"}),
	}
	m.series.Store(&map[seriesKey]series{})
	r.MustRegister(m.requests, m.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe takes operation and outcome from the closed sets that the AWS face knows, so the number of series is bounded.
func (m *metrics) observe(r *reqlog.Record) {
	key := seriesKey{r.Operation, r.Outcome()}
	if key.operation == "" {
		key.operation = "none"
	}
	s, ok := (*m.series.Load())[key]
	if !ok {
		s = m.add(key)
	}
	s.count.Inc()
	s.seconds.Observe(r.Duration.Seconds())
}

func (m *metrics) add(key seriesKey) series {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := maps.Clone(*m.series.Load())
	all[key] = series{m.requests.WithLabelValues(key.operation, key.outcome), m.seconds.WithLabelValues(key.operation)}
	m.series.Store(&all)
	return all[key]
}
