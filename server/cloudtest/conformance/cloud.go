package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloudtest/program"
)

// settings switch on what Tempest has tests for.
var settings = []string{
	"-lockout-failure-attempts", "3", "-lockout-duration", "5", "-unique-last-password-count", "3",
	"-fetch-allow", "127.0.0.0/8", "-image-locations",
}

// start runs cloudlet dev with its state below dir and returns when it is ready.
func start(ctx context.Context, path, dir string) (*program.Cloud, error) {
	c, err := program.Start(ctx, path, append([]string{"dev", "-driver", "sim", "-data-dir", filepath.Join(dir, "state"),
		"-image-store", "second:" + filepath.Join(dir, "second")}, settings...)...)
	if err != nil {
		return nil, err
	}
	if err := c.Login(); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// makeImage makes a public raw image of a few bytes and returns its id.
func makeImage(c *program.Cloud, name string) (string, error) {
	var img struct{ ID string }
	spec := map[string]string{"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public"}
	if _, err := c.Call("POST", "/image/v2/images", spec, &img); err != nil {
		return "", err
	}
	return img.ID, c.Upload(img.ID, strings.NewReader(strings.Repeat("x", 4096)), 4096)
}
