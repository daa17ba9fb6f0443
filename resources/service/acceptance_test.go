package service_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/services"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccService(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_service.s"
	service := func(body string) string {
		return "resource \"cloudlet_service\" \"s\" {\nname = \"swift\"\n" + body + "\n}\n"
	}
	config := func(body string) string { return w.As("admin", service(body)) }
	changed := config("type = \"store\"\ndescription = \"for people\"\nenabled = false")
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(w.As("demo", service(`type = "object-store"`)), "", "The cloud would refuse this change"),
		providertest.Refused(config(`type = ""`), "type", "string length must be between"),
		w.Apply(at, providertest.Create, config(`type = "object-store"`), "name=swift", "type=object-store", "enabled=true", "description="),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "type=store", "description=for people", "enabled=false"),
		providertest.After(func() {
			if err := services.Update(t.Context(), c, w.ID(at), services.UpdateOpts{Type: "drifted"}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "type=store")),
		providertest.After(func() {
			if err := services.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed)),
	)
}

func TestAccServiceDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "data.cloudlet_service.f"
	config := func(body string) string {
		return w.As("admin", "data \"cloudlet_service\" \"f\" {\n"+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(config(`type = "nothing"`), "", "has no service that is as configured"),
		providertest.Refused(config("name = \"nova\"\ntype = \"image\""), "", "has no service that is as configured"),
		providertest.Read(at, config(`type = "compute"`), "id=*", "name=nova", "enabled=true"),
	)
}
