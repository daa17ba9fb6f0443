package imagemember_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// add makes the user and project of that name, and returns the project's id.
func add(t *testing.T, w *providertest.World, name string) string {
	t.Helper()
	s := w.Client("admin").Identity
	p, err := projects.Create(t.Context(), s, projects.CreateOpts{Name: name, DomainID: "default"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	u, err := users.Create(t.Context(), s, users.CreateOpts{Name: name, DomainID: "default", Password: cloudtest.Password}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := roles.List(s, roles.ListOpts{Name: "member"}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := roles.ExtractRoles(pages)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := roles.Assign(t.Context(), s, found[0].ID, roles.AssignOpts{UserID: u.ID, ProjectID: p.ID}).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// TestAccImageMember: one project offers, another decides, in one configuration with
// two providers.
func TestAccImageMember(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	ann := add(t, w, "ann")
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, []byte("some bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	const at = "cloudlet_image_member.m"
	image := func(body string) string {
		return w.As("demo", w.AsOther("ann")+"resource \"cloudlet_image\" \"i\" {\nname = \"img\"\nsource_file = \""+file+"\"\n"+body+"\n}\n")
	}
	member := func(body string) string {
		return "resource \"cloudlet_image_member\" \"m\" {\nprovider = other\nimage_id = cloudlet_image.i.id\n" + body + "\n}\n"
	}
	shared := image("visibility = \"shared\"\nmembers = [\"" + ann + "\"]")
	listed := func(n int) func() {
		return func() {
			pages, err := images.List(w.Client("ann").Image, images.ListOpts{Name: "img"}).AllPages(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if all, err := images.ExtractImages(pages); err != nil || len(all) != n {
				t.Errorf("%d images are listed, not %d: %v", len(all), n, err)
			}
		}
	}
	offered := func(status string) string {
		return shared + "data \"cloudlet_image\" \"o\" {\nprovider = other\nname = \"img\"\nmember_status = \"" + status + "\"\n}\n"
	}
	notOffered := providertest.Refused(image("")+member(""), "image_id", "could not be found")
	notOffered.PlanOnly = false // the plan knows nothing of what the other provider will do
	w.Run(
		notOffered,
		providertest.Refused(shared+member(`status = "maybe"`), "status", "must be one of"),
		w.Apply(at, providertest.Create, shared+member(""), "status=accepted", "project_id="+ann, "image_id=*"),
		providertest.After(listed(1), providertest.Adopt(at)),
		providertest.Import(at),
		w.Apply(at, providertest.Update, shared+member(`status = "rejected"`), "status=rejected"),
		providertest.After(func() {
			listed(0)()
			if err := members.Update(t.Context(), w.Client("ann").Image, w.ID(at), ann, members.UpdateOpts{Status: "pending"}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, shared+member(""), "status=accepted")),
		providertest.After(func() { // the offer is taken back, and made again
			for _, err := range []error{members.Delete(t.Context(), w.Client("demo").Image, w.ID(at), ann).Err, members.Create(t.Context(), w.Client("demo").Image, w.ID(at), ann).Err} {
				if err != nil {
					t.Error(err)
				}
			}
		}, w.Apply(at, providertest.Update, shared+member(""), "status=accepted")),
		providertest.After(func() { // the offer is taken back: the owner's plan makes it again, first
			if err := members.Delete(t.Context(), w.Client("demo").Image, w.ID(at), ann).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, shared+member(""), "status=accepted")),
		w.Apply("cloudlet_image.i", providertest.Noop, shared), // destroyed: undecided again
		providertest.Read("data.cloudlet_image.o", offered("pending"), "size=10"),
		providertest.Refused(offered("accepted"), "", "has no image that is as configured"),
		providertest.After(func() {
			m, err := members.Get(t.Context(), w.Client("demo").Image, w.ID(at), ann).Extract()
			if err != nil || m.Status != "pending" {
				t.Errorf("%+v, %v", m, err)
			}
		}, w.Apply("cloudlet_image.i", providertest.Noop, shared)),
	)
}
