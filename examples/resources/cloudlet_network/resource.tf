# A network of the project's own.
resource "cloudlet_network" "web" {
  name = "web"
}

# A network that leads outside, mapped onto a physical one. Administrators only.
resource "cloudlet_network" "outside" {
  name             = "outside"
  network_type     = "flat"
  physical_network = "physnet1"
  external         = true
}
