package keypair_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const (
	key   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl one"
	other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINP5u6HjX2y1rYw2r4wD2bqUeFMW1sKkz5lq0xUo9T0c two"
)

func TestAccKeypair(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_keypair.k"
	config := func(body string) string {
		return w.As("demo", "resource \"cloudlet_keypair\" \"k\" {\n"+body+"\n}\n")
	}
	given := config("name = \"k\"\npublic_key = \"" + other + "\"")
	file := filepath.Join(t.TempDir(), "id")
	c := w.Client("demo").Compute
	w.Run(
		providertest.Refused(config("name = \"k\"\npublic_key = \"nonsense\""), "public_key", "A public key is a line such as"),
		w.Apply(at, providertest.Create, config("name = \"k\"\npublic_key = \""+key+"\""), "id=k", "fingerprint=*", "public_key="+key),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Replace, given, "public_key="+other),
		providertest.After(func() {
			if err := keypairs.Delete(t.Context(), c, "k", nil).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, given)),
		providertest.After(func() { // the name means another key now
			if err := keypairs.Delete(t.Context(), c, "k", nil).Err; err != nil {
				t.Error(err)
			}
			if err := keypairs.Create(t.Context(), c, keypairs.CreateOpts{Name: "k", PublicKey: key}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Replace, given, "public_key="+other)),
		w.Apply(at, providertest.Replace, config("name = \"made\"\nprivate_key_file = \""+file+"\""), "id=made", "public_key=*"),
		w.Apply(at, providertest.Replace, config("name = \"wo\"\npublic_key_wo = \""+key+"\"\npublic_key_wo_version = 1"), "id=wo"),
	)
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "PRIVATE KEY") {
		t.Errorf("the private key is not in its file: %v", err)
	}
}

func TestAccKeypairRefused(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	if err := keypairs.Create(t.Context(), w.Client("demo").Compute, keypairs.CreateOpts{Name: "taken", PublicKey: key}).Err; err != nil {
		t.Fatal(err)
	}
	w.Run(providertest.Refused(w.As("demo", "resource \"cloudlet_keypair\" \"k\" {\nname = \"taken\"\npublic_key = \""+key+"\"\n}\n"), "name", "already exists"))
}

func TestAccKeypairDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: -1})
	c := w.Client("demo")
	if err := keypairs.Create(t.Context(), c.Compute, keypairs.CreateOpts{Name: "k", PublicKey: key}).Err; err != nil {
		t.Fatal(err)
	}
	source := func(user, body string) string { return w.As(user, "data \"cloudlet_keypair\" \"k\" {\n"+body+"\n}\n") }
	w.Run(
		providertest.Refused(source("demo", `name = "none"`), "", "has no keypair that is as configured"),
		providertest.Refused(source("admin", `name = "k"`), "", "has no keypair that is as configured"),
		providertest.Read("data.cloudlet_keypair.k", source("admin", "name = \"k\"\nuser_id = \""+c.UserID+"\""), "public_key="+key),
		providertest.Read("data.cloudlet_keypair.k", source("demo", `name = "k"`), "id=k", "public_key="+key, "fingerprint=*", "user_id="+c.UserID),
	)
}
