data "cloudlet_network" "private" {
  name = "private"
}

# The only external one.
data "cloudlet_network" "outside" {
  external = true
}
