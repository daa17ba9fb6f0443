package nova

import (
	"net/url"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

// server returns the server in the path.
func server(rq *front.Request) (compute.Instance, error) {
	return compute.InstanceGet(rq.Read(), rq.Caller, rq.PathValue("id"))
}

func metadataOf(i compute.Instance) map[string]string {
	if i.Metadata == nil {
		return map[string]string{}
	}
	return i.Metadata
}

func metadataList(rq *front.Request) (*front.Response, error) {
	i, err := server(rq)
	return front.OK(map[string]any{"metadata": metadataOf(i)}), err
}

func metadataShow(rq *front.Request) (*front.Response, error) {
	i, err := server(rq)
	if err != nil {
		return nil, err
	}
	key := rq.PathValue("key")
	value, ok := i.Metadata[key]
	if !ok {
		return nil, cloud.Errorf(cloud.NotFound, "instance", "Metadata item was not found")
	}
	return front.OK(map[string]any{"meta": map[string]string{key: value}}), nil
}

func writeMetadata(rq *front.Request, items map[string]string, replace bool) (i compute.Instance, err error) {
	err = rq.Write(func(tx *statestore.Txn) (err error) {
		i, err = compute.InstanceMetadataSet(tx, rq.Caller, rq.PathValue("id"), items, replace)
		return err
	})
	return i, err
}

func metadataSet(replace bool) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		var b struct {
			Metadata items `json:"metadata"`
		}
		if err := rq.Decode(&b); err != nil {
			return nil, err
		}
		if b.Metadata == nil {
			return nil, cloud.Errorf(cloud.Invalid, "instance", "Invalid input for field/attribute metadata: it is a required property.").At("/metadata")
		}
		given, err := b.Metadata.at("/metadata")
		if err != nil {
			return nil, err
		}
		i, err := writeMetadata(rq, given, replace)
		return front.OK(map[string]any{"metadata": metadataOf(i)}), err
	}
}

func metadataItemSet(rq *front.Request) (*front.Response, error) {
	var b struct {
		Meta items `json:"meta"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	if _, ok := b.Meta[rq.PathValue("key")]; !ok || len(b.Meta) != 1 {
		return nil, cloud.Errorf(cloud.Invalid, "instance", "Request body and URI mismatch")
	}
	given, err := b.Meta.at("/meta")
	if err != nil {
		return nil, err
	}
	_, err = writeMetadata(rq, given, false)
	return front.OK(map[string]any{"meta": given}), err
}

func metadataDelete(rq *front.Request) (*front.Response, error) {
	err := rq.Write(func(tx *statestore.Txn) error {
		return compute.InstanceMetadataUnset(tx, rq.Caller, rq.PathValue("id"), rq.PathValue("key"))
	})
	return front.NoContent(), err
}

func tagList(rq *front.Request) (*front.Response, error) {
	i, err := server(rq)
	return front.OK(map[string]any{"tags": orEmpty(i.Tags)}), err
}

func tagShow(rq *front.Request) (*front.Response, error) {
	i, err := server(rq)
	if err == nil && !slices.Contains(i.Tags, rq.PathValue("tag")) {
		err = cloud.Errorf(cloud.NotFound, "instance", "Server %s has no tag '%s'", i.ID, rq.PathValue("tag"))
	}
	return front.NoContent(), err
}

func writeTags(rq *front.Request, tags []string) (i compute.Instance, err error) {
	err = rq.Write(func(tx *statestore.Txn) (err error) {
		i, err = compute.InstanceTagsSet(tx, rq.Caller, rq.PathValue("id"), tags)
		return err
	})
	return i, err
}

func tagsSet(rq *front.Request) (*front.Response, error) {
	var b struct {
		Tags []string `json:"tags"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	i, err := writeTags(rq, b.Tags)
	return front.OK(map[string]any{"tags": orEmpty(i.Tags)}), err
}

func tagsClear(rq *front.Request) (*front.Response, error) {
	_, err := writeTags(rq, nil)
	return front.NoContent(), err
}

func tagAdd(rq *front.Request) (*front.Response, error) {
	added := false
	err := rq.Write(func(tx *statestore.Txn) (err error) {
		added, err = compute.InstanceTagAdd(tx, rq.Caller, rq.PathValue("id"), rq.PathValue("tag"))
		return err
	})
	if added {
		return (&front.Response{Status: 201}).With("Location", rq.URL("/v2.1/servers/"+rq.PathValue("id")+"/tags/"+url.PathEscape(rq.PathValue("tag")))), err
	}
	return front.NoContent(), err
}

func tagRemove(rq *front.Request) (*front.Response, error) {
	err := rq.Write(func(tx *statestore.Txn) error {
		return compute.InstanceTagRemove(tx, rq.Caller, rq.PathValue("id"), rq.PathValue("tag"))
	})
	return front.NoContent(), err
}
