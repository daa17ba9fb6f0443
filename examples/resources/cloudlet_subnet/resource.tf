resource "cloudlet_network" "web" {
  name = "web"
}

resource "cloudlet_subnet" "web" {
  name            = "web"
  network_id      = cloudlet_network.web.id
  cidr            = "10.20.0.0/24"
  gateway_ip      = "10.20.0.1"
  dns_nameservers = ["9.9.9.9"]

  allocation_pools = [{
    start = "10.20.0.10"
    end   = "10.20.0.200"
  }]
}
