package image_test

import (
	"bytes"
	"crypto/sha512"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

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

// served is a web server with that disk at every path but /none.
func served(t *testing.T, file string) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			http.NotFound(w, r)
			return
		}
		http.ServeFile(w, r, file)
	}))
	t.Cleanup(web.Close)
	return web.URL
}

// sumOf is the SHA-512 of a file, in hex.
func sumOf(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha512.Sum512(b))
}

// none fails the test if the user has an image.
func none(t *testing.T, w *providertest.World, user string) {
	t.Helper()
	pages, err := images.List(w.Client(user).Image, images.ListOpts{}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left, err := images.ExtractImages(pages); err != nil || len(left) > 0 {
		t.Errorf("an image is left: %v, %v", left, err)
	}
}

func TestAccImageURL(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1, FetchAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	const at = "cloudlet_image.i"
	file, other := providertest.QCOW2(t, 2), raw(t, "other")
	web := served(t, file)
	config := func(body string) string {
		return w.As("demo", "resource \"cloudlet_image\" \"i\" {\nname = \"img\"\n"+body+"\n}\n")
	}
	url := func(path, body string) string { return config("source_url = \"" + web + path + "\"\n" + body) }
	const qcow2 = "disk_format = \"qcow2\"\n"
	sum := qcow2 + "sha512 = \"" + sumOf(t, file) + "\"\n"
	failing := func(config, attribute, words string) resource.TestStep {
		step := providertest.Refused(config, attribute, words)
		step.PlanOnly = false // it is told when the bytes come
		return step
	}
	w.Run(
		providertest.Refused(url("/a", ""), "source_url", "must be told in disk_format"),
		providertest.Refused(config(qcow2+`source_url = "ftp://example.org/a"`), "source_url", "must be an http or https URL"),
		providertest.Refused(config(qcow2+`source_url = "http://10.0.0.1/a"`), "source_url", "leads to an address that is not public"),
		providertest.Refused(config(qcow2+"source_url = \"http://h/a\"\nsource_file = \""+file+"\""), "source_url", "cannot be specified when"),
		providertest.Refused(strings.ReplaceAll(url("/a", qcow2), w.URL, without(t, w, "web-download")), "source_url", "does not offer the import method web-download"),
		failing(url("/none", qcow2), "source_url", "404"),
		failing(url("/a", "disk_format = \"vmdk\""), "source_url", "vmdk"),
		failing(url("/a", qcow2+"sha512 = \""+sumOf(t, other)+"\""), "sha512", "not those that were asked for"),
		resource.TestStep{Config: w.As("demo", ""), Check: func(*terraform.State) error { none(t, w, "demo"); return nil }},
		w.Apply(at, providertest.Create, url("/a", qcow2+"min_ram = 64\nproperties = { role = \"x\" }"), "disk_format=qcow2", "container_format=bare", "sha512="+sumOf(t, file), "virtual_size=2147483648", "min_ram=64", "properties.%=1"),
		providertest.Import(at, "source_url"),
		w.Apply(at, providertest.Update, url("/a", qcow2), "min_ram=0", "properties.%=0"),
		w.Apply(at, providertest.Update, url("/b", sum)), // the same bytes
		w.Apply(at, providertest.Replace, url("/c", qcow2)),
		w.Apply(at, providertest.Update, config(sum+"source_file = \""+file+"\"")),
		providertest.Refused(config(sum+"source_file = \""+other+"\""), "sha512", "Their SHA-512 is "+sumOf(t, other)),
	)
}

func TestAccImageCopy(t *testing.T) {
	for name, offered := range map[string]bool{"by the cloud": true, "by hand": false} {
		t.Run(name, func(t *testing.T) {
			w := providertest.Start(t, cloudtest.Options{Hosts: 1})
			block := w.ProviderConfig("demo")
			if !offered {
				block = strings.ReplaceAll(block, w.URL, without(t, w, "glance-download"))
			}
			const at = "cloudlet_image.copy"
			file := providertest.QCOW2(t, 1)
			config := func(from, body string) string {
				return block + `
resource "cloudlet_image" "one" {
  name        = "one"
  source_file = "` + file + `"
  properties  = { hw_disk_bus = "virtio", role = "x" }
}
resource "cloudlet_image" "two" {
  name        = "two"
  source_file = "` + raw(t, "two") + `"
}
resource "cloudlet_image" "copy" {
  name            = "copy"
  source_image_id = ` + from + "\n" + body + "\n}\n"
			}
			w.Run(
				providertest.Refused(config(`"3f0c5a52-0000-4000-8000-000000000001"`, ""), "source_image_id", "could not be found"),
				w.Apply(at, providertest.Create, config("cloudlet_image.one.id", ""), "disk_format=qcow2", "container_format=bare", "properties.%=0", "sha512="+sumOf(t, file)),
				providertest.Import(at, "source_image_id"),
				providertest.Refused(config("cloudlet_image.two.id", `disk_format = "qcow2"`), "disk_format", "has the format of the image"),
				w.Apply(at, providertest.Update, config("cloudlet_image.one.id", "properties = cloudlet_image.one.properties"), "properties.%=2"),
				w.Apply(at, providertest.Replace, config("cloudlet_image.two.id", ""), "disk_format=raw", "size=3072"),
			)
		})
	}
}

// without is the cloud behind something that does not tell of an import method.
func without(t *testing.T, w *providertest.World, method string) string {
	t.Helper()
	return w.Behind(t, func(p *httputil.ReverseProxy) http.Handler {
		p.ModifyResponse = func(r *http.Response) error {
			if !strings.HasSuffix(r.Request.URL.Path, "/info/import") {
				return nil
			}
			b, err := io.ReadAll(r.Body)
			b = bytes.ReplaceAll(b, []byte(method), []byte("another"))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			r.Header.Del("Content-Length")
			return err
		}
		return p
	})
}

func TestAccImageMembers(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_image.i"
	file := raw(t, "one")
	config := func(body string) string {
		return w.As("demo", "resource \"cloudlet_image\" \"i\" {\nname = \"img\"\nsource_file = \""+file+"\"\n"+body+"\n}\n")
	}
	const shared = "visibility = \"shared\"\n"
	two := config(shared + `members = ["p1", "p2"]`)
	c := w.Client("demo").Image
	w.Run(
		providertest.Refused(config(`members = ["p1"]`), "members", "Set visibility = \"shared\""),
		w.Apply(at, providertest.Create, two, "members.#=2"),
		providertest.Import(at, "source_file"),
		w.Apply(at, providertest.Update, config(shared+`members = ["p2", "p3"]`), "members.#=2", "members.0=p2", "members.1=p3"),
		providertest.After(func() {
			if err := members.Delete(t.Context(), c, w.ID(at), "p2").Err; err != nil {
				t.Error(err)
			}
			if err := members.Create(t.Context(), c, w.ID(at), "p4").Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, two, "members.#=2")),
		w.Apply(at, providertest.Noop, config(shared), "members.#=2"), // managed no more
		w.Apply(at, providertest.Update, config(shared+`members = []`), "members.#=0"),
		w.Apply(at, providertest.Update, config(``), "members.#=0", "visibility=private"),
		w.Apply(at, providertest.Noop, config(`members = []`), "members.#=0"), // as -generate-config-out writes it
		w.Apply(at, providertest.Update, config(shared+`members = ["p1"]`), "members.#=1", "visibility=shared"),
	)
}

func TestAccImageStores(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1, Stores: []string{"fast", "slow"}})
	const at = "cloudlet_image.i"
	file := raw(t, "one")
	config := func(user, body string) string {
		return w.As(user, "resource \"cloudlet_image\" \"i\" {\nname = \"img\"\nsource_file = \""+file+"\"\n"+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(config("demo", `stores = ["none"]`), "stores", `has no store "none"; it has files, fast, slow`),
		w.Apply(at, providertest.Create, config("demo", `stores = ["fast", "slow"]`), "stores.#=2", "stores.0=fast"),
		providertest.Import(at, "source_file"),
		providertest.Refused(config("demo", `stores = ["fast", "slow", "files"]`), "stores", "Policy doesn't allow"),
	)
	w.Run(
		w.Apply(at, providertest.Create, config("admin", `stores = ["fast"]`), "stores.#=1", "stores.0=fast"),
		w.Apply(at, providertest.Update, config("admin", `stores = ["files", "fast"]`), "stores.#=2"),
		w.Apply(at, providertest.Update, config("admin", `stores = ["slow"]`), "stores.#=1", "stores.0=slow"),
		w.Apply(at, providertest.Noop, config("admin", ``), "stores.0=slow"),
	)
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
resource "cloudlet_image" "past" {
  name        = "img"
  source_file = "` + file + `"
  hidden      = true
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
		providertest.Read("data.cloudlet_image.i", source("name = \"img\"\nhidden = true"), "all_tags.#=0", "all_properties.%=0"),
		providertest.Read("data.cloudlet_image.i", source("id = cloudlet_image.past.id"), "name=img"),
		providertest.Refused(source("id = cloudlet_image.past.id\nhidden = false"), "", "has no image that is as configured"),
	)
}
