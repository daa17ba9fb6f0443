# From a file on the machine that Terraform runs on.
resource "cloudlet_image" "debian" {
  name        = "debian-12"
  source_file = "${path.module}/debian-12-generic-amd64.qcow2"
  min_disk    = 2
  tags        = ["debian"]

  properties = {
    os_distro = "debian"
  }
}

# Fetched by the cloud itself, and refused if the bytes are not the ones that are
# meant; offered to two projects. It is hidden when a newer one takes its place.
resource "cloudlet_image" "alpine" {
  name        = "alpine-3.20"
  source_url  = "https://images.example.org/alpine-3.20-x86_64.qcow2"
  disk_format = "qcow2"
  sha512      = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
  visibility  = "shared"
  members     = ["6a1f0b1c4d7e4f7f9a3c5b2d8e0f1a2b", "0d9c8b7a6f5e4d3c2b1a0f9e8d7c6b5a"]
  hidden      = true
}

# A copy of another image, with its properties.
data "cloudlet_image" "public" {
  name       = "debian-12"
  visibility = "public"
}

resource "cloudlet_image" "mine" {
  name            = "debian-12-mine"
  source_image_id = data.cloudlet_image.public.id
  properties      = data.cloudlet_image.public.all_properties
  protected       = true
}
