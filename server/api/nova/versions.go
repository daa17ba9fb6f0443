package nova

import (
	"net/http"

	"github.com/cloudlet/cloudlet/server/api/front"
)

type versionDoc struct {
	ID         string              `json:"id"`
	Status     string              `json:"status"`
	Version    string              `json:"version"`
	MinVersion string              `json:"min_version"`
	Updated    string              `json:"updated"`
	Links      []link              `json:"links"`
	MediaTypes []map[string]string `json:"media-types,omitzero"`
}

func version(rq *front.Request) versionDoc {
	return versionDoc{ID: "v2.1", Status: "CURRENT", Version: versions.Max.String(), MinVersion: versions.Min.String(),
		Updated: "2013-07-23T11:33:21Z", Links: []link{{Rel: "self", Href: rq.URL("/v2.1/")}}}
}

func versionRoutes(*api) []front.Route {
	list := func(status int) front.Handler {
		return func(rq *front.Request) (*front.Response, error) {
			return &front.Response{Status: status, Body: map[string][]versionDoc{"versions": {version(rq)}}}, nil
		}
	}
	show := func(rq *front.Request) (*front.Response, error) {
		d := version(rq)
		d.Links = append(d.Links, link{Rel: "describedby", Type: "text/html", Href: "http://docs.openstack.org/"})
		d.MediaTypes = []map[string]string{{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}}
		return front.OK(map[string]versionDoc{"version": d}), nil
	}
	return []front.Route{
		{Method: "GET", Path: "/", AtRoot: true, Rule: front.Public, Handle: list(http.StatusOK)},
		{Method: "GET", Path: "/", Rule: front.Public, Handle: show},
	}
}
