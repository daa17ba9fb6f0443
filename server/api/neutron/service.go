package neutron

import (
	"net/http"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Deps are what the dialect needs besides the state.
type Deps struct {
	// Zones returns the names of the availability zones, sorted; nil: there is "nova" alone.
	Zones func(r statestore.Reader) []string
}

type api struct{ Deps }

func (a *api) zones(r statestore.Reader) []string {
	if a.Zones == nil {
		return []string{"nova"}
	}
	return a.Zones(r)
}

// Service returns the dialect at /networking/v2.0.
func Service(d Deps) *front.Service {
	a := &api{d}
	return &front.Service{
		Name: "neutron", Root: "/networking", Base: "/v2.0", Visible: "network:visible", Fault: fault, Status: status,
		Routes: slices.Concat(versionRoutes(), extensionRoutes(), a.zoneRoutes(), quotaRoutes(),
			a.networks().routes(), subnets().routes(), ports().routes(), groups().routes(), rules().routes()),
	}
}

// status is where Neutron differs: an exceeded quota is a conflict.
func status(k cloud.Kind) int {
	if k == cloud.Quota {
		return http.StatusConflict
	}
	return 0
}
