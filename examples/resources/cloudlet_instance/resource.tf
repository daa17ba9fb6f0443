data "cloudlet_image" "debian" {
  name        = "debian-12"
  most_recent = true
}

data "cloudlet_network" "private" {
  name = "private"
}

resource "cloudlet_security_group" "web" {
  name  = "web"
  rules = [{ direction = "ingress", protocol = "tcp", port_min = 80 }]
}

resource "cloudlet_instance" "web" {
  name               = "web"
  image_id           = data.cloudlet_image.debian.id
  flavor_name        = "m1.small"
  key_pair           = "admin"
  security_group_ids = [cloudlet_security_group.web.id]

  networks = [{ network_id = data.cloudlet_network.private.id }]

  metadata = {
    role = "web"
  }

  user_data = <<-EOT
    #!/bin/sh
    apt-get install -y nginx
  EOT
}
