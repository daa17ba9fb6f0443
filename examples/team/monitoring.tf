# What the monitoring authenticates with, instead of somebody's password: it may
# read, as long as it is not renewed. To renew it, change monitoring_version with
# the secret.
resource "cloudlet_application_credential" "monitoring" {
  name              = "monitoring-of-${var.name}-${var.monitoring_version}"
  description       = "Counts what ${var.name} uses"
  roles             = ["reader"]
  secret_wo         = var.monitoring_secret
  secret_wo_version = var.monitoring_version

  access_rules = [
    { service = "identity", method = "GET", path = "/v3/projects" },
    { service = "identity", method = "GET", path = "/v3/limits" },
  ]

  lifecycle {
    create_before_destroy = true # the old one works until the new one is there
  }
}
