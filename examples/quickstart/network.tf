# The tenant network.
resource "cloudlet_network" "demo" {
  name = "demo"
}

resource "cloudlet_subnet" "demo" {
  name       = "demo"
  network_id = cloudlet_network.demo.id
  cidr       = var.cidr
}

# The flat provider network, if there is a physical one to map it onto. It has no
# gateway: the tenant network's is the guests'.
resource "cloudlet_network" "outside" {
  count = var.physical_network == null ? 0 : 1

  name             = "outside"
  network_type     = "flat"
  physical_network = var.physical_network
  external         = true
}

resource "cloudlet_subnet" "outside" {
  count = length(cloudlet_network.outside)

  name       = "outside"
  network_id = cloudlet_network.outside[count.index].id
  cidr       = var.provider_cidr
  no_gateway = true

  allocation_pools = [{
    start = cidrhost(var.provider_cidr, 100)
    end   = cidrhost(var.provider_cidr, 199)
  }]
}

resource "cloudlet_security_group" "web" {
  name        = "demo-web"
  description = "SSH, HTTP and ping from anywhere"

  rules = [
    { direction = "ingress", protocol = "tcp", port_min = 22 },
    { direction = "ingress", protocol = "tcp", port_min = 80 },
    { direction = "ingress", protocol = "icmp" },
  ]
}

# The front guest's place in the network: its address outlives the guest.
resource "cloudlet_port" "front" {
  name               = "demo-front"
  network_id         = cloudlet_network.demo.id
  security_group_ids = [cloudlet_security_group.web.id]

  fixed_ips = [{
    subnet_id  = cloudlet_subnet.demo.id
    ip_address = cidrhost(var.cidr, 10)
  }]
}
