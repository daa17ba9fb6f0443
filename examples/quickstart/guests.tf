resource "cloudlet_image" "guest" {
  name        = "demo-guest"
  source_file = var.image_file
}

resource "cloudlet_flavor" "guest" {
  name  = "demo-guest"
  vcpus = 1
  ram   = var.guest_memory
  disk  = 1
}

resource "cloudlet_keypair" "demo" {
  name             = "demo"
  private_key_file = coalesce(var.private_key_file, "${path.module}/id_ed25519")
}

locals {
  outside = [for s in cloudlet_subnet.outside : { network_id = s.network_id }]

  # What a guest does when it boots: it serves a page that says who it is. The
  # tiny guest serves /www already.
  page = <<-EOT
    #!/bin/sh
    mkdir -p /www
    echo "<h1>Hello from %s</h1>" >/www/index.html
    pidof httpd >/dev/null || (cd /www && python3 -m http.server 80 >/dev/null 2>&1 &)
  EOT
}

resource "cloudlet_instance" "front" {
  name               = "demo-front"
  image_id           = cloudlet_image.guest.id
  flavor_id          = cloudlet_flavor.guest.id
  key_pair           = cloudlet_keypair.demo.name
  networks           = concat([{ port_id = cloudlet_port.front.id }], local.outside)
  security_group_ids = length(local.outside) > 0 ? [cloudlet_security_group.web.id] : null
  user_data          = format(local.page, "the front")

  metadata = {
    role = "front"
  }
}

# Created once the front runs: they are told its address.
resource "cloudlet_instance" "worker" {
  count = 2

  name               = "demo-worker-${count.index + 1}"
  image_id           = cloudlet_image.guest.id
  flavor_id          = cloudlet_flavor.guest.id
  key_pair           = cloudlet_keypair.demo.name
  networks           = concat([{ network_id = cloudlet_subnet.demo.network_id }], local.outside)
  security_group_ids = [cloudlet_security_group.web.id]
  user_data          = format(local.page, "worker ${count.index + 1}, which knows the front at ${cloudlet_instance.front.ipv4_address}")

  metadata = {
    role  = "worker"
    front = cloudlet_instance.front.id
  }
}
