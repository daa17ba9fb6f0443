data "cloudlet_domain" "customer" {
  name = "customer"
}
