# The newest image of a name.
data "cloudlet_image" "debian" {
  name        = "debian-12"
  most_recent = true
}

# The only one with a property.
data "cloudlet_image" "router" {
  properties = {
    role = "router"
  }
}
