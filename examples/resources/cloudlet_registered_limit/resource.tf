data "cloudlet_service" "image" {
  type = "image"
}

resource "cloudlet_registered_limit" "images" {
  service_id    = data.cloudlet_service.image.id
  resource_name = "image_count_total"
  default_limit = 20
}
