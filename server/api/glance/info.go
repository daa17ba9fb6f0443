package glance

import (
	"embed"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
)

// schemas are JSON schemas of what the dialect renders, by name.
//
//go:embed schemas/*.json
var schemas embed.FS

// infoRoutes serve what says how the service is made.
func infoRoutes() []front.Route {
	fixed := func(body any) front.Handler {
		return func(*front.Request) (*front.Response, error) { return front.OK(body), nil }
	}
	return []front.Route{
		{Method: "GET", Path: "/schemas/{name}", Rule: "image:schema:get", Handle: schemaShow},
		{Method: "GET", Path: "/info/stores", Rule: "image:store:list", Handle: fixed(map[string]any{
			"stores": []map[string]any{{"id": "content", "description": "Files named by the SHA-256 of what is in them", "default": true}},
		})},
		{Method: "GET", Path: "/info/import", Rule: "image:import:info", Handle: fixed(map[string]any{
			"import-methods": map[string]any{"description": "Import methods available.", "type": "array", "value": []string{}},
		})},
		{Method: "GET", Path: "/tasks", Rule: "image:task:list", Handle: fixed(map[string]any{
			"tasks": []string{}, "first": "/v2/tasks", "schema": "/v2/schemas/tasks",
		})},
		{Method: "GET", Path: "/tasks/{id}", Rule: "image:task:get", Handle: func(rq *front.Request) (*front.Response, error) {
			return nil, cloud.Missing("task", rq.PathValue("id"))
		}},
	}
}

func schemaShow(rq *front.Request) (*front.Response, error) {
	b, err := schemas.ReadFile("schemas/" + rq.PathValue("name") + ".json")
	if err != nil {
		return nil, cloud.Missing("schema", rq.PathValue("name")).Because(err)
	}
	return (&front.Response{Status: 200, Raw: b}).With("Content-Type", "application/json"), nil
}
