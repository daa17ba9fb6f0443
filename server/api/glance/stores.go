package glance

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) storeRoutes() []front.Route {
	return []front.Route{
		{Method: "DELETE", Path: "/stores/{store}/{image}", Rule: "image:location:delete", Target: imageTarget, Handle: a.storeLeave},
	}
}

func (a *api) storeLeave(rq *front.Request) (*front.Response, error) {
	i, err := write(rq, func(tx *statestore.Txn) (image.Image, error) {
		return image.StoreLeave(tx, rq.Caller, rq.PathValue("image"), rq.PathValue("store"))
	})
	if err == nil && !rq.Planning() {
		if err := a.Content.Drop(rq.Context(), rq.Write, i.SHA256, []string{rq.PathValue("store")}); err != nil {
			rq.Log().Warn("bytes of an image that left a store cannot be removed", "image", i.ID, "error", err)
		}
	}
	return front.NoContent(), err
}
