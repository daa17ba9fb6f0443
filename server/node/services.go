package node

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/glance"
	"github.com/cloudlet/cloudlet/server/api/keystone"
	"github.com/cloudlet/cloudlet/server/api/neutron"
	"github.com/cloudlet/cloudlet/server/api/nova"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/identity"
)

// Services are the wire dialects, in the order in which errors of unknown paths
// look for one: this is where a dialect is mounted.
func Services(authority identity.Authority, console compute.ConsoleReader, images glance.Deps) []*front.Service {
	return []*front.Service{
		keystone.Root(),
		keystone.Service(keystone.Deps{Authority: authority}),
		glance.Service(images),
		nova.Service(nova.Deps{Console: console}),
		neutron.Service(neutron.Deps{Zones: compute.Zones}),
	}
}

// handler is the APIs with what is not one: /healthz and /metrics. A ServeMux for all
// of it would answer paths like /a/../b itself, by a redirect.
func (s *Server) handler(api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-s.ready:
			_, _ = w.Write([]byte("ok\n"))
		default:
			http.Error(w, "starting: not all hosts of this process are up", http.StatusServiceUnavailable)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" || r.URL.Path == "/healthz" {
			mux.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}
