resource "cloudlet_service" "objects" {
  name = "swift"
  type = "object-store"
}

resource "cloudlet_endpoint" "objects" {
  service_id = cloudlet_service.objects.id
  region_id  = "RegionOne"
  interface  = "public"
  url        = "https://objects.example.org/v1/AUTH_$(project_id)s"
}
