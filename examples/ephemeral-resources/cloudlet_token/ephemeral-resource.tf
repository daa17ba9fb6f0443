# A token for another project than the provider's.
ephemeral "cloudlet_token" "team" {
  project_name = "team"
}

# Terraform works there with it, and keeps neither it nor a password of that project.
provider "cloudlet" {
  alias    = "team"
  auth_url = "https://cloud.example.org/identity/v3"
  token    = ephemeral.cloudlet_token.team.token
}

resource "cloudlet_network" "team" {
  provider = cloudlet.team
  name     = "team"
}
