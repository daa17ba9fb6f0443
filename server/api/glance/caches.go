package glance

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

const cacheRule = "image:cache:manage"

func (a *api) cacheRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/cache", Rule: cacheRule, Handle: cacheList},
		{Method: "DELETE", Path: "/cache", Rule: cacheRule, Handle: cacheClear},
		{Method: "PUT", Path: "/cache/{image}", Rule: cacheRule, Target: imageTarget, Handle: cacheQueue},
		{Method: "DELETE", Path: "/cache/{image}", Rule: cacheRule, Handle: cacheDelete},
	}
}

type cachedWire struct {
	ImageID      string  `json:"image_id"`
	Hits         int64   `json:"hits"`
	Size         int64   `json:"size"`
	LastAccessed float64 `json:"last_accessed"`
	LastModified float64 `json:"last_modified"`
}

func cacheList(rq *front.Request) (*front.Response, error) {
	cached, queued := []cachedWire{}, []string{}
	for c := range image.Cache.All(rq.Read()) {
		if c.Queued {
			queued = append(queued, c.ImageID)
			continue
		}
		cached = append(cached, cachedWire{c.ImageID, c.Hits, c.Size, float64(c.UsedAt.Unix()), float64(c.CachedAt.Unix())})
	}
	return front.OK(map[string]any{"cached_images": cached, "queued_images": queued}), nil
}

func cacheQueue(rq *front.Request) (*front.Response, error) {
	return front.Accepted(nil), rq.Write(func(tx *statestore.Txn) error { return image.CacheQueue(tx, rq.Caller, rq.PathValue("image")) })
}

func cacheDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return image.CacheDelete(tx, rq.PathValue("image")) })
}

func cacheClear(rq *front.Request) (*front.Response, error) {
	target := rq.HTTP.Header.Get("X-Image-Cache-Clear-Target")
	if target != "" && target != "cache" && target != "queue" {
		return nil, cloud.Errorf(cloud.Invalid, "image", "The header x-image-cache-clear-target must be cache or queue, if it is given; it is %.50q.", target)
	}
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
		image.CacheClear(tx, target != "queue", target != "cache")
		return nil
	})
}
