package image

import (
	"context"
	"net/http"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"

	"github.com/cloudlet/cloudlet/provider/client"
)

// memberList returns the projects that a shared image is offered to. Who may not
// know them is told of none.
func memberList(ctx context.Context, s *gophercloud.ServiceClient, id string) ([]string, error) {
	var all struct {
		Members []struct {
			ID string `json:"member_id"`
		} `json:"members"`
	}
	_, err := s.Get(ctx, s.ServiceURL("images", id, "members"), &all, nil)
	if gophercloud.ResponseCodeIs(err, http.StatusForbidden) || client.NotFound(err) {
		return nil, nil
	}
	ids := make([]string, len(all.Members))
	for n, m := range all.Members {
		ids[n] = m.ID
	}
	return ids, err
}

// setMembers brings an image's members from what they are to what is wanted. What
// is so already is no error: others may have done it.
func setMembers(ctx context.Context, s *gophercloud.ServiceClient, id string, want, is []string) error {
	for _, p := range want {
		if slices.Contains(is, p) {
			continue
		}
		if err := members.Create(ctx, s, id, p).Err; err != nil && !gophercloud.ResponseCodeIs(err, http.StatusConflict) {
			return err
		}
	}
	for _, p := range is {
		if slices.Contains(want, p) {
			continue
		}
		if err := members.Delete(ctx, s, id, p).Err; err != nil && !client.NotFound(err) {
			return err
		}
	}
	return nil
}
