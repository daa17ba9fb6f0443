data "cloudlet_service" "image" {
  type = "image"
}

data "cloudlet_project" "demo" {
  name = "demo"
}

resource "cloudlet_registered_limit" "images" {
  service_id    = data.cloudlet_service.image.id
  resource_name = "image_count_total"
  default_limit = 20
}

resource "cloudlet_limit" "images_of_demo" {
  project_id     = data.cloudlet_project.demo.id
  service_id     = cloudlet_registered_limit.images.service_id
  resource_name  = cloudlet_registered_limit.images.resource_name
  resource_limit = 100
}
