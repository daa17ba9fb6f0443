data "cloudlet_flavor" "small" {
  name = "m1.small"
}

# The smallest that has this much.
data "cloudlet_flavor" "database" {
  min_ram  = 4096
  min_disk = 40
}
