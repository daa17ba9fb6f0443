resource "cloudlet_service" "objects" {
  name = "swift"
  type = "object-store"
}
