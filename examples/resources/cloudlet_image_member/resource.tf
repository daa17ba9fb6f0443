# The image's owner has offered it to this project.
resource "cloudlet_image_member" "golden" {
  image_id = "0b8d3c4e-6d8a-4a8b-9a52-6c9d8f7b1e20"
  status   = "accepted"
}
