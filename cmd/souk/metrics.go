package main

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/souk-market/souk/internal/api"
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

// loadMetrics tells how much the AWS face has to do, at the moment of each scrape.
type loadMetrics struct {
	load func() api.Load

	connections, waiting, late, bodies, shed *prometheus.Desc
}

// watch registers what load tells.
func (m *metrics) watch(r *prometheus.Registry, load func() api.Load) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	r.MustRegister(&loadMetrics{
		load:        load,
		connections: desc("souk_connections", "Open connections of the AWS face."),
		waiting:     desc("souk_requests_waiting", "Requests that wait for their turn."),
		late:        desc("souk_late_seconds", "How long a request lay about before a processor looked at it, when that was last measured."),
		bodies:      desc("souk_large_bodies_bytes", "Memory of large bodies that are being read or worked on."),
		shed:        desc("souk_shed_total", "Requests that were refused because there was too much to do, by what there was too little of (processor, turn, body).", "cause"),
	})
}

// Describe is the prometheus.Collector's.
func (m *loadMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.connections, m.waiting, m.late, m.bodies, m.shed} {
		ch <- d
	}
}

// Collect is the prometheus.Collector's.
func (m *loadMetrics) Collect(ch chan<- prometheus.Metric) {
	l := m.load()
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(m.connections, float64(l.Connections))
	gauge(m.waiting, float64(l.Waiting))
	gauge(m.late, l.Late.Seconds())
	gauge(m.bodies, float64(l.Bodies))
	for _, c := range api.Causes() {
		ch <- prometheus.MustNewConstMetric(m.shed, prometheus.CounterValue, float64(l.Shed[c]), c.String())
	}
}
