package image

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/cloudlet/cloudlet/provider/client"
)

// checkStores refuses stores that the cloud does not have.
func checkStores(ctx context.Context, s *gophercloud.ServiceClient, want []string) error {
	var info struct {
		Stores []struct {
			ID string `json:"id"`
		} `json:"stores"`
	}
	if _, err := s.Get(ctx, s.ServiceURL("info", "stores"), &info, nil); err != nil {
		return fmt.Errorf("the cloud does not tell of stores to choose from: %w", err)
	}
	var there []string
	for _, st := range info.Stores {
		there = append(there, st.ID)
	}
	for _, id := range want {
		if !slices.Contains(there, id) {
			return fmt.Errorf("the cloud has no store %q; it has %s", id, strings.Join(there, ", "))
		}
	}
	return nil
}

// setStores brings an image's bytes into the stores that are wanted, and out of
// the others. wait returns when an import has ended; nil does not wait.
func setStores(ctx context.Context, s *gophercloud.ServiceClient, id string, want, is []string, wait func(stores []string) error) error {
	more := slices.DeleteFunc(slices.Clone(want), func(st string) bool { return slices.Contains(is, st) })
	if len(more) > 0 {
		if err := beginImport(ctx, s, id, method{"name": "copy-image"}, more); err != nil {
			return client.At("/stores", err)
		}
		if wait != nil {
			if err := wait(more); err != nil {
				return client.At("/stores", err)
			}
		}
	}
	for _, st := range is {
		if slices.Contains(want, st) {
			continue
		}
		if _, err := s.Delete(ctx, s.ServiceURL("stores", st, id), nil); err != nil {
			return client.At("/stores", err)
		}
	}
	return nil
}
