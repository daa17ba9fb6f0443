# A team on a cloud that others use too: a domain of its own with projects,
# people, who may do what, and how much. An administrator of the cloud applies it:
#
#   cloudlet dev -driver sim -data-dir ./cloud
#   export OS_CLIENT_CONFIG_FILE=./cloud/clouds.yaml OS_CLOUD=cloudlet-admin
#   export TF_VAR_passwords='{"ann":"…","bob":"…","eve":"…"}' TF_VAR_monitoring_secret=…
#   terraform apply
#
# Who is in the team, and in what, is in team.auto.tfvars.
terraform {
  required_version = ">= 1.11"

  required_providers {
    cloudlet = {
      source = "cloudlet/cloudlet"
    }
  }
}

provider "cloudlet" {
  cloud = var.cloud
}

resource "cloudlet_domain" "team" {
  name        = var.name
  description = "All that is ${var.name}'s"
}

resource "cloudlet_project" "of" {
  for_each = var.projects

  name        = each.key
  domain_id   = cloudlet_domain.team.id
  description = each.value.description
  tags        = [var.name]
}
