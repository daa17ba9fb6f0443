data "cloudlet_service" "image" {
  type = "image"
}

data "cloudlet_endpoint" "image" {
  service_id = data.cloudlet_service.image.id
  region_id  = "RegionOne"
  interface  = "public"
}
