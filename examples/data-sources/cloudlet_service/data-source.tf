data "cloudlet_service" "image" {
  type = "image"
}
