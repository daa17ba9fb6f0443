data "cloudlet_project" "shop" {
  name = "shop"
}
