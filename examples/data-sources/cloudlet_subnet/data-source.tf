data "cloudlet_network" "private" {
  name = "private"
}

# The only IPv4 subnet of the network.
data "cloudlet_subnet" "private" {
  network_id = data.cloudlet_network.private.id
  ip_version = 4
}
