package availabilityzones_test

import (
	"testing"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccAvailabilityZones(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 2})
	config := func(body string) string {
		return w.As("demo", "data \"cloudlet_availability_zones\" \"z\" {\n"+body+"\n}\n")
	}
	w.Run(
		providertest.Read("data.cloudlet_availability_zones.z", config(``), "names.#=1", "names.0=nova"),
		providertest.Read("data.cloudlet_availability_zones.z", config(`state = "unavailable"`), "names.#=0"),
	)
}
