package glance

import (
	"fmt"
	"net/http"

	"github.com/cloudlet/cloudlet/server/api/front"
)

// newest is the minor version that is served: 2.8 brought several stores, 2.12 the
// tasks of an image, 2.13 the usage of quotas, 2.14 and 2.16 the cache, 2.15 the
// stores in detail.
const newest = 16

type versionWire struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Links  []link `json:"links"`
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// versionRoutes serve discovery. Glance answers 300 where no version was chosen.
func versionRoutes() []front.Route {
	list := func(status int) front.Handler {
		return func(rq *front.Request) (*front.Response, error) {
			var vs []versionWire
			for minor := newest; minor >= 0; minor-- {
				v := versionWire{ID: fmt.Sprintf("v2.%d", minor), Status: "SUPPORTED", Links: []link{{"self", rq.URL("/v2/")}}}
				if minor == newest {
					v.Status = "CURRENT"
				}
				vs = append(vs, v)
			}
			return &front.Response{Status: status, Body: map[string][]versionWire{"versions": vs}}, nil
		}
	}
	return []front.Route{
		{Method: "GET", Path: "/", AtRoot: true, Rule: front.Public, Handle: list(http.StatusMultipleChoices)},
		{Method: "GET", Path: "/versions", AtRoot: true, Rule: front.Public, Handle: list(http.StatusOK)},
		{Method: "GET", Path: "/", Rule: front.Public, Handle: list(http.StatusMultipleChoices)},
	}
}
