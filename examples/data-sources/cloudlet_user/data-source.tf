data "cloudlet_user" "ann" {
  name = "ann"
}
