data "cloudlet_application_credential" "pipeline" {
  name = "pipeline"
}
