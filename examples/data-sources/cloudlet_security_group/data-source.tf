data "cloudlet_security_group" "default" {
  name = "default"
}
