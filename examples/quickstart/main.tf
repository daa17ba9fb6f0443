# The first whole path: an image, a network and three guests on it that answer
# by SSH and HTTP. 'make demo' runs it; by hand:
#
#   cloudlet dev -driver sim -data-dir ./cloud
#   export OS_CLIENT_CONFIG_FILE=./cloud/clouds.yaml OS_CLOUD=cloudlet-admin
#   terraform apply -var image_file=guest.qcow2
terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudlet = {
      source = "cloudlet/cloudlet"
    }
  }
}

# Flavors and provider networks are an administrator's.
provider "cloudlet" {
  cloud = var.cloud
}
