package glance

import (
	"net/http"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

// Deps are what the dialect needs besides the state.
type Deps struct {
	Content *image.Content // images' bytes
	Fetcher Fetcher
	// Locations offers users to see and to set where images' bytes are.
	Locations bool
}

// Fetcher reads what a user names by a URL.
type Fetcher interface {
	image.Fetcher
	// Check refuses, as Invalid, a URL that is never fetched from.
	Check(uri string) error
}

type api struct{ Deps }

// Service returns the dialect at /image/v2.
func Service(d Deps) *front.Service {
	a := &api{d}
	return &front.Service{
		Name: "glance", Root: "/image", Base: "/v2", Visible: "image:visible", Fault: fault, Status: status,
		Routes: slices.Concat(versionRoutes(), a.imageRoutes(), a.fileRoutes(), memberRoutes(), tagRoutes(), a.infoRoutes(),
			a.importRoutes(), a.storeRoutes(), a.taskRoutes(), metadefRoutes(), a.cacheRoutes()),
	}
}

// status differs from the kinds' own where Glance does: an exceeded limit is 413.
func status(k cloud.Kind) int {
	if k == cloud.Quota {
		return http.StatusRequestEntityTooLarge
	}
	return 0
}

type faultBody struct {
	Error struct {
		Code    int    `json:"code"`
		Title   string `json:"title"`
		Message string `json:"message"`
	} `json:"error"`
}

// fault renders an error as clients of OpenStack find it: the members of the
// object's members.
func fault(_ *front.Request, status int, e *cloud.Error) *front.Response {
	var b faultBody
	b.Error.Code, b.Error.Title, b.Error.Message = status, http.StatusText(status), e.Msg
	return &front.Response{Status: status, Body: b}
}

// imageTarget is the image of the path.
func imageTarget(rq *front.Request) (cloud.Target, error) {
	i, ok := image.Images.Get(rq.Read(), rq.PathValue("image"))
	if !ok || i.Status == image.PendingDelete {
		return cloud.Target{}, cloud.Missing("image", rq.PathValue("image"))
	}
	return seen(rq, targetOf(i, image.Offered(rq.Read(), rq.Caller, i)), "image", i.ID)
}

// seen answers of what the caller may not see as if there were none: in the same words.
func seen(rq *front.Request, t cloud.Target, kind, id string) (cloud.Target, error) {
	if !rq.Visible(t) {
		return cloud.Target{}, cloud.Missing(kind, id)
	}
	return t, nil
}

// targetOf is what policy knows of an image; member says that it is shared with
// the caller.
func targetOf(i image.Image, member bool) cloud.Target {
	t := cloud.Target{ProjectID: i.ProjectID, Public: i.Visibility == image.Public, Attr: map[string]string{"visibility": string(i.Visibility)}}
	if member {
		t.Attr["member"] = "true"
	}
	return t
}

// write runs a domain call as one transaction.
func write[T any](rq *front.Request, fn func(tx *statestore.Txn) (T, error)) (v T, err error) {
	err = rq.Write(func(tx *statestore.Txn) (err error) {
		v, err = fn(tx)
		return err
	})
	return v, err
}
