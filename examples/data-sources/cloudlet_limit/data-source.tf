data "cloudlet_service" "image" {
  type = "image"
}

data "cloudlet_project" "demo" {
  name = "demo"
}

data "cloudlet_limit" "images_of_demo" {
  project_id    = data.cloudlet_project.demo.id
  service_id    = data.cloudlet_service.image.id
  resource_name = "image_count_total"
}
