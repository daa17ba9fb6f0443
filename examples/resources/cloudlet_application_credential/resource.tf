variable "secret" {
  type      = string
  ephemeral = true
  sensitive = true
}

# What the pipeline authenticates with: it may look at instances, and no more.
resource "cloudlet_application_credential" "pipeline" {
  name              = "pipeline"
  secret_wo         = var.secret
  secret_wo_version = 1
  roles             = ["reader"]
  expires_at        = "2030-01-31T00:00:00Z"
  access_rules = [
    { service = "compute", method = "GET", path = "/v2.1/servers" },
    { service = "compute", method = "GET", path = "/v2.1/servers/{server_id}" },
  ]
}
