data "cloudlet_service" "image" {
  type = "image"
}

# What holds for every project of the cloud. Only one configuration can have it:
# where there is one already, look it up with data "cloudlet_registered_limit".
resource "cloudlet_registered_limit" "images" {
  service_id    = data.cloudlet_service.image.id
  resource_name = "image_count_total"
  default_limit = var.images_per_project
}

resource "cloudlet_limit" "images" {
  for_each = { for name, project in var.projects : name => project if project.images != null }

  project_id     = cloudlet_project.of[each.key].id
  service_id     = cloudlet_registered_limit.images.service_id
  resource_name  = cloudlet_registered_limit.images.resource_name
  resource_limit = each.value.images
  description    = "As ${var.name} asked"
}
