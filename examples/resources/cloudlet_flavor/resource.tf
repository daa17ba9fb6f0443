resource "cloudlet_flavor" "small" {
  name  = "small"
  vcpus = 1
  ram   = 512
  disk  = 5

  extra_specs = {
    "hw_rng:allowed" = "true"
  }
}
