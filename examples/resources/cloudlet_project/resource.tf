resource "cloudlet_project" "shop" {
  name        = "shop"
  description = "The web shop"
  tags        = ["production"]
}

# A project below another one.
resource "cloudlet_project" "tests" {
  name      = "shop-tests"
  parent_id = cloudlet_project.shop.id
}
