resource "cloudlet_network" "web" {
  name = "web"
}

resource "cloudlet_subnet" "web" {
  name       = "web"
  network_id = cloudlet_network.web.id
  cidr       = "10.20.0.0/24"
}

resource "cloudlet_security_group" "web" {
  name  = "web"
  rules = [{ direction = "ingress", protocol = "tcp", port_min = 80 }]
}

resource "cloudlet_port" "web" {
  name               = "web"
  network_id         = cloudlet_network.web.id
  security_group_ids = [cloudlet_security_group.web.id]

  fixed_ips = [{
    subnet_id  = cloudlet_subnet.web.id
    ip_address = "10.20.0.5"
  }]
}
