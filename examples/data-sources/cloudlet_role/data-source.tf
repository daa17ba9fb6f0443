data "cloudlet_role" "member" {
  name = "member"
}
