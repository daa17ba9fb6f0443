package nova

import (
	"net/http"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
)

// Deps are what the dialect needs besides the state.
type Deps struct {
	// Console reads guests' consoles; nil if no host can be asked.
	Console compute.ConsoleReader
}

type api struct{ Deps }

var versions = &front.Versions{ServiceType: "compute", Legacy: "X-OpenStack-Nova-API-Version",
	Min: front.Microversion{Major: 2, Minor: 1}, Max: front.Microversion{Major: 2, Minor: 90}}

// v is microversion 2.minor.
func v(minor int) front.Microversion { return front.Microversion{Major: 2, Minor: minor} }

// Service returns the dialect at /compute/v2.1.
func Service(d Deps) *front.Service {
	a := &api{d}
	return &front.Service{
		Name: "nova", Root: "/compute", Base: "/v2.1", Versions: versions, Visible: "compute:visible", Fault: fault,
		Routes: slices.Concat(versionRoutes(a), a.serverRoutes(), a.flavorRoutes(), a.keypairRoutes(), a.limitRoutes(), a.hostRoutes(), a.groupRoutes(), a.securityGroupRoutes(), usageRoutes()),
	}
}

// faultNames are the members of Nova's error envelope, by status.
var faultNames = map[int]string{
	http.StatusBadRequest: "badRequest", http.StatusUnauthorized: "unauthorized", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "itemNotFound", http.StatusMethodNotAllowed: "badMethod", http.StatusConflict: "conflictingRequest",
	http.StatusRequestEntityTooLarge: "overLimit", http.StatusUnsupportedMediaType: "badMediaType",
	http.StatusTooManyRequests: "overLimit", http.StatusNotImplemented: "notImplemented", http.StatusServiceUnavailable: "serviceUnavailable",
}

type faultBody struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// fault renders {"badRequest": {"code": 400, "message": "…"}}.
func fault(_ *front.Request, status int, e *cloud.Error) *front.Response {
	name := faultNames[status]
	if name == "" {
		name = "computeFault"
	}
	return &front.Response{Status: status, Body: map[string]faultBody{name: {status, e.Msg}}}
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
	Type string `json:"type,omitzero"`
}

func selfLinks(rq *front.Request, path string) []link {
	return []link{{Rel: "self", Href: rq.URL("/v2.1" + path)}, {Rel: "bookmark", Href: rq.URL(path)}}
}

func bookmark(rq *front.Request, path string) []link {
	return []link{{Rel: "bookmark", Href: rq.URL(path)}}
}

// nextLinks is the link to the page after one that ended with the id; nil without more.
func nextLinks(rq *front.Request, path string, more bool, lastID string) []link {
	if !more {
		return nil
	}
	return []link{{Rel: "next", Href: rq.URL("/v2.1" + path + "?" + front.NextQuery(rq.Query(), lastID))}}
}
