package glance

import (
	"embed"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
)

// schemas are JSON schemas of what the dialect renders, by name.
//
//go:embed schemas/*.json schemas/metadefs/*.json
var schemas embed.FS

// infoRoutes serve what says how the service is made.
func (a *api) infoRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/schemas/{name}", Rule: "image:schema:get", Handle: schemaShow},
		{Method: "GET", Path: "/schemas/metadefs/{name}", Rule: "image:schema:get", Handle: metaSchemaShow},
		{Method: "GET", Path: "/info/usage", Rule: "image:usage:get", Handle: a.usage},
	}
}

// usage tells what the caller's project has, and its bounds; -1 is none.
func (a *api) usage(rq *front.Request) (*front.Response, error) {
	const mib = 1 << 20
	project := rq.Caller.ProjectID
	l, u := a.Content.Limits(rq.Read(), project), image.UsageGet(rq.Read(), project)
	of := func(limit, usage int64) map[string]int64 { return map[string]int64{"limit": limit, "usage": usage} }
	return front.OK(map[string]any{"usage": map[string]any{
		"image_size_total": of(l.SizeTotal, (u.Size+mib-1)/mib), "image_stage_total": of(l.StageTotal, (u.Staged+mib-1)/mib),
		"image_count_total": of(l.CountTotal, u.Count), "image_count_uploading": of(l.Uploading, u.Uploading),
	}}), nil
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
