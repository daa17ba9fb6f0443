resource "cloudlet_role" "auditor" {
  name        = "auditor"
  description = "May read what happened"
}
