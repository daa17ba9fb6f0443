package glance

import (
	"embed"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
)

// schemas are JSON schemas of what the dialect renders, by name.
//
//go:embed schemas/*.json schemas/metadefs/*.json
var schemas embed.FS

// infoRoutes serve what says how the service is made.
func infoRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/schemas/{name}", Rule: "image:schema:get", Handle: schemaShow},
		{Method: "GET", Path: "/schemas/metadefs/{name}", Rule: "image:schema:get", Handle: metaSchemaShow},
	}
}

func schemaShow(rq *front.Request) (*front.Response, error) { return schema(rq.PathValue("name")) }

func metaSchemaShow(rq *front.Request) (*front.Response, error) {
	return schema("metadefs/" + rq.PathValue("name"))
}

func schema(name string) (*front.Response, error) {
	b, err := schemas.ReadFile("schemas/" + name + ".json")
	if err != nil {
		return nil, cloud.Missing("schema", name).Because(err)
	}
	return (&front.Response{Status: 200, Raw: b}).With("Content-Type", "application/json"), nil
}
