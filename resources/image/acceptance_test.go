package image_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// raw makes a file of raw bytes.
func raw(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, []byte(strings.Repeat(text, 1024)), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAccImage(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_image.i"
	one, same, qcow2 := raw(t, "one"), raw(t, "one"), providertest.QCOW2(t, 3)
	config := func(file, body string) string {
		return w.As("demo", "resource \"cloudlet_image\" \"i\" {\nsource_file = \""+file+"\"\n"+body+"\n}\n")
	}
	changed := config(same, `
name       = "other"
hidden     = true
min_disk   = 2
min_ram    = 64
tags       = ["a", "b"]
properties = { os_distro = "debian", hw_disk_bus = "virtio" }
`)
	c := w.Client("demo").Image
	w.Run(
		w.Apply(at, providertest.Create, config(one, "name = \"img\"\nproperties = { role = \"x\" }"), "name=img", "disk_format=raw", "size=3072", "visibility=private", "sha512=*", "checksum=*", "properties.role=x"),
		providertest.Import(at, "source_file"),
		w.Apply(at, providertest.Update, changed, "name=other", "hidden=true", "min_disk=2", "min_ram=64", "tags.#=2", "properties.%=2", "size=3072"),
		providertest.After(func() {
			p := images.UpdateOpts{images.UpdateImageProperty{Op: images.AddOp, Name: "drifted", Value: "yes"}}
			if err := images.Update(t.Context(), c, w.ID(at), p).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "properties.%=2")),
		providertest.After(func() {
			if err := images.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed)),
		w.Apply(at, providertest.Replace, config(qcow2, `name = "img"`), "disk_format=qcow2", "virtual_size=3221225472", "min_disk=0"),
		providertest.After(func() { // other bytes in the same file
			b, err := os.ReadFile(one)
			if err == nil {
				err = os.WriteFile(qcow2, b, 0o644)
			}
			if err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Replace, config(qcow2, `name = "img"`), "disk_format=raw")),
	)
}

func TestAccImageRefused(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	file := raw(t, "one")
	config := func(file, body string) string {
		return w.As("demo", "resource \"cloudlet_image\" \"i\" {\nname = \"img\"\nsource_file = \""+file+"\"\n"+body+"\n}\n")
	}
	lying := providertest.QCOW2(t, 1)
	b, err := os.ReadFile(lying)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[8:], "\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x0b") // a backing file: at byte 512, 11 bytes long
	copy(b[512:], "/etc/passwd")
	if err := os.WriteFile(lying, b, 0o644); err != nil {
		t.Fatal(err)
	}
	refused := providertest.Refused(config(lying, ""), "source_file", "backing file")
	refused.PlanOnly = false // the bytes are looked at when they are uploaded
	w.Run(
		providertest.Refused(config(file, `visibility = "public"`), "", "The cloud would refuse this change"),
		providertest.Refused(config(file+".none", ""), "source_file", "no such file"),
		providertest.Refused(config(file, "properties = { size = \"3\" }"), "properties", "has another use for the name"),
		refused,
	)
	pages, err := images.List(w.Client("demo").Image, images.ListOpts{Name: "img"}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left, err := images.ExtractImages(pages); err != nil || len(left) > 0 {
		t.Errorf("the refused image is left: %v, %v", left, err)
	}
}

func TestAccImageDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	file := raw(t, "one")
	there := `
resource "cloudlet_image" "old" {
  name        = "img"
  source_file = "` + file + `"
  tags        = ["a", "b"]
}
resource "cloudlet_image" "new" {
  name        = cloudlet_image.old.name
  source_file = "` + file + `"
  properties  = { role = "x" }
  depends_on  = [cloudlet_image.old]
}
`
	source := func(body string) string { return w.As("demo", there+"data \"cloudlet_image\" \"i\" {\n"+body+"\n}\n") }
	w.Run(
		w.Apply("cloudlet_image.new", providertest.Create, w.As("demo", there)),
		providertest.Refused(source(`name = "img"`), "", "2 images are as configured"),
		providertest.Refused(source(`name = "nowhere"`), "", "has no image that is as configured"),
		providertest.Read("data.cloudlet_image.i", source(`tags = ["a"]`), "name=img", "all_tags.#=2", "size=3072", "sha512=*"),
		providertest.Read("data.cloudlet_image.i", source("name = \"img\"\nproperties = { role = \"x\" }"), "all_tags.#=0", "all_properties.role=x"),
		providertest.Read("data.cloudlet_image.i", source("name = \"img\"\nmost_recent = true"), "all_properties.role=x"),
	)
}
