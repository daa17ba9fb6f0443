package keystone

import (
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/cloudlet/cloudlet/server/api/front"
)

const root = "/identity"

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

type versionDoc struct {
	ID         string              `json:"id"`
	Status     string              `json:"status"`
	Updated    string              `json:"updated"`
	Links      []link              `json:"links"`
	MediaTypes []map[string]string `json:"media-types"`
}

// version describes the API as that of OpenStack Yoga and Zed.
func version(rq *front.Request) versionDoc {
	return versionDoc{ID: "v3.14", Status: "stable", Updated: "2020-04-07T00:00:00Z",
		Links:      []link{{Rel: "self", Href: rq.BaseURL() + root + "/v3/"}},
		MediaTypes: []map[string]string{{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}}}
}

// versionRoutes tell which versions there are and, as a JSON home document, which
// of the routes.
func versionRoutes(routes []front.Route) []front.Route {
	document, err := json.Marshal(home(routes), json.Deterministic(true))
	if err != nil {
		panic("keystone: routes that have no JSON home: " + err.Error()) // they are literals
	}
	show := func(rq *front.Request) (*front.Response, error) {
		if wantsHome(rq) {
			return homeAnswer(document), nil
		}
		return versionShow(rq)
	}
	return []front.Route{
		{Method: "GET", Path: "/", AtRoot: true, Rule: front.Public, Handle: versionList},
		{Method: "GET", Path: "/", Rule: front.Public, Handle: show},
	}
}

func versionList(rq *front.Request) (*front.Response, error) {
	body := map[string]map[string][]versionDoc{"versions": {"values": {version(rq)}}}
	return (&front.Response{Status: http.StatusMultipleChoices, Body: body}).With("Vary", "X-Auth-Token"), nil
}

func versionShow(rq *front.Request) (*front.Response, error) {
	return front.OK(map[string]versionDoc{"version": version(rq)}).With("Vary", "X-Auth-Token"), nil
}
