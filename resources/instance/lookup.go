package instance

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
)

// imageNamed returns the id of the one active image of that name.
func imageNamed(ctx context.Context, s *gophercloud.ServiceClient, name string) (string, error) {
	pages, err := images.List(s, images.ListOpts{Name: name, Status: images.ImageStatusActive}).AllPages(ctx)
	if err != nil {
		return "", err
	}
	found, err := images.ExtractImages(pages)
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", fmt.Errorf("there is no active image of the name %q; if this configuration makes it, refer to it by image_id", name)
	case len(found) > 1:
		return "", fmt.Errorf("%d images have the name %q; tell which one is meant by image_id, or by the data source cloudlet_image", len(found), name)
	}
	return found[0].ID, nil
}

// flavorNamed returns the id of the flavor of that name.
func flavorNamed(ctx context.Context, s *gophercloud.ServiceClient, name string) (string, error) {
	pages, err := flavors.ListDetail(s, flavors.ListOpts{}).AllPages(ctx)
	if err != nil {
		return "", err
	}
	found, err := flavors.ExtractFlavors(pages)
	if err != nil {
		return "", err
	}
	for _, f := range found {
		if f.Name == name {
			return f.ID, nil
		}
	}
	return "", fmt.Errorf("there is no flavor of the name %q; if this configuration makes it, refer to it by flavor_id", name)
}
