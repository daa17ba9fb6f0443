package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imageimport"

	"github.com/cloudlet/cloudlet/provider/client"
)

// method is how an import gets its bytes, as the API has it.
type method map[string]any

// beginImport asks the cloud to import; without stores, to where it likes. If the
// answer is lost, the image tells whether it was asked.
func beginImport(ctx context.Context, s *gophercloud.ServiceClient, id string, m method, stores []string) error {
	body := map[string]any{"method": m}
	if len(stores) > 0 {
		body["stores"] = stores
	}
	_, err := client.OnceAs(ctx, id, func(ctx context.Context, id string) error {
		w, err := get(ctx, s, id)
		if err == nil && w.Status == "queued" && w.ImportTask == "" && w.ImportFailed == "" {
			return gophercloud.ErrUnexpectedResponseCode{Actual: 404} // it was not asked
		}
		return err
	}, func(ctx context.Context) error {
		resp, err := s.Post(ctx, s.ServiceURL("images", id, "import"), body, nil, &gophercloud.RequestOpts{OkCodes: []int{202}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	})
	return err
}

// offers reports whether the cloud has an import method.
func offers(ctx context.Context, s *gophercloud.ServiceClient, name string) (bool, error) {
	info, err := imageimport.Get(ctx, s).Extract()
	if err != nil {
		if client.NotFound(err) {
			return false, nil
		}
		return false, err
	}
	return slices.Contains(info.ImportMethods.Value, name), nil
}

// waitImported returns when an import has ended, with the task's reason if it
// failed. stores are those that were asked for.
func (r *image) waitImported(ctx context.Context, id string, stores []string) error {
	s := r.Client.Image
	return r.Client.Wait(ctx, s, s.ServiceURL("images", id), func(body []byte) (bool, error) {
		w, err := client.Into[wire](body, "")
		if err != nil {
			return false, err
		}
		return importEnded(ctx, s, w, stores)
	})
}

// importEnded reports whether the import of an image has ended; an error if it
// failed.
func importEnded(ctx context.Context, s *gophercloud.ServiceClient, w wire, stores []string) (bool, error) {
	missed := slices.ContainsFunc(list(w.ImportFailed), func(st string) bool { return slices.Contains(stores, st) })
	switch {
	case w.ImportTask != "" || w.ImportLeft != "", w.Status == "importing", w.Status == "uploading", w.Status == "saving":
		return false, nil
	case w.Status == "queued" || missed:
		reason, err := taskFailure(ctx, s, w.ID)
		if reason == "" && err == nil && w.ImportFailed == "" {
			return false, nil // it has not begun
		}
		return false, fmt.Errorf("the cloud could not import the bytes: %s", cmp.Or(reason, "it does not tell why"))
	case w.Status == "active":
		return true, nil
	}
	return false, errors.New("the cloud says that the image's status is " + w.Status)
}

// taskFailure returns why an image's last import failed, "" if it did not.
func taskFailure(ctx context.Context, s *gophercloud.ServiceClient, id string) (string, error) {
	var all struct {
		Tasks []struct {
			Status  string `json:"status"`
			Message string `json:"message"`
			Created string `json:"created_at"`
		} `json:"tasks"`
	}
	if _, err := s.Get(ctx, s.ServiceURL("images", id, "tasks"), &all, nil); err != nil {
		return "", err
	}
	reason, last := "", ""
	for _, t := range all.Tasks {
		if t.Created < last {
			continue
		}
		reason, last = "", t.Created
		if t.Status == "failure" {
			reason = cmp.Or(t.Message, "its task failed")
		}
	}
	return reason, nil
}
