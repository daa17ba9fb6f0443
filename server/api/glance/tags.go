package glance

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

func tagRoutes() []front.Route {
	return []front.Route{
		{Method: "PUT", Path: "/images/{image}/tags/{tag}", Rule: "image:tag:set", Target: imageTarget, Handle: func(rq *front.Request) (*front.Response, error) {
			return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
				return image.TagAdd(tx, rq.Caller, rq.PathValue("image"), rq.PathValue("tag"))
			})
		}},
		{Method: "DELETE", Path: "/images/{image}/tags/{tag}", Rule: "image:tag:delete", Target: imageTarget, Handle: func(rq *front.Request) (*front.Response, error) {
			return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
				return image.TagRemove(tx, rq.Caller, rq.PathValue("image"), rq.PathValue("tag"))
			})
		}},
	}
}
