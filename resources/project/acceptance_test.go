package project_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccProject(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_project.p"
	project := func(body string) string { return "resource \"cloudlet_project\" \"p\" {\n" + body + "\n}\n" }
	config := func(body string) string { return w.As("admin", project(body)) }
	changed := config("name = \"other\"\ndescription = \"for people\"\nenabled = false\ntags = [\"a\", \"b\"]")
	below := config("name = \"top\"") + "resource \"cloudlet_project\" \"below\" {\nname = \"below\"\nparent_id = cloudlet_project.p.id\n}\n"
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(w.As("demo", project(`name = "p"`)), "", "The cloud would refuse this change"),
		providertest.Refused(config(`name = "demo"`), "name", "demo"),
		providertest.Refused(config("name = \"p\"\nparent_id = \"nowhere\""), "", "nowhere"),
		providertest.Refused(config("name = \"p\"\ntags = [\"a,b\"]"), "tags", "must have neither comma nor slash"),
		w.Apply(at, providertest.Create, config(`name = "p"`), "name=p", "enabled=true", "domain_id=default", "parent_id=default", "tags.#=0", "immutable=false"),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "name=other", "description=for people", "enabled=false", "tags.#=2"),
		providertest.After(func() {
			if err := projects.Update(t.Context(), c, w.ID(at), projects.UpdateOpts{Name: "drifted"}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "name=other")),
		providertest.After(func() {
			if err := projects.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed, "name=other")),
		w.Apply(at, providertest.Update, config("name = \"kept\"\nimmutable = true"), "immutable=true"),
		providertest.Refused(config("name = \"kept\"\nimmutable = true\nenabled = false"), "", "immutable"),
		w.Apply(at, providertest.Update, below, "immutable=false", "name=top"),
		w.Apply("cloudlet_project.below", providertest.Noop, below, "parent_id=*"),
	)
}

func TestAccProjectDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	config := func(user, body string) string {
		return w.As(user, "data \"cloudlet_project\" \"p\" {\n"+body+"\n}\n")
	}
	pages, err := projects.List(w.Client("admin").Identity, projects.ListOpts{Name: "demo"}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := projects.ExtractProjects(pages)
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	demo := all[0].ID
	w.Run(
		providertest.Refused(config("admin", `name = "nowhere"`), "", "has no project that is as configured"),
		providertest.Refused(config("admin", ``), "", "At least one of these attributes must be configured"),
		providertest.Read("data.cloudlet_project.p", config("admin", `name = "demo"`), "id="+demo, "domain_id=default", "enabled=true"),
		providertest.Read("data.cloudlet_project.p", config("demo", `id = "`+demo+`"`), "name=demo"),
	)
}
