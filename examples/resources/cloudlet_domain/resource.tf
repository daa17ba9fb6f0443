resource "cloudlet_domain" "customer" {
  name        = "customer"
  description = "A space of its own"
}

resource "cloudlet_project" "shop" {
  name      = "shop"
  domain_id = cloudlet_domain.customer.id
}
