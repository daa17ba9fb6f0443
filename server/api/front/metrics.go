package front

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics records the calls of a Front. A nil *Metrics records nothing.
type Metrics struct {
	calls *prometheus.HistogramVec
}

// NewMetrics registers the API's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "cloudlet_api_request_seconds",
		Help:    "Time to answer an API call, by service, method, route and status.",
		Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 5, 30, 600},
	}, []string{"service", "method", "route", "status"})}
	r.MustRegister(m.calls)
	return m
}

func (m *Metrics) observe(service, method, route string, status int, d time.Duration) {
	if m == nil {
		return
	}
	m.calls.WithLabelValues(service, method, route, strconv.Itoa(status)).Observe(d.Seconds())
}
