terraform {
  required_providers {
    cloudlet = {
      source = "cloudlet/cloudlet"
    }
  }
}

# A cloud of clouds.yaml. Without this block OS_CLOUD, or the other OS_*
# variables, say which cloud it is.
provider "cloudlet" {
  cloud = "cloudlet"
}
