data "cloudlet_role" "member" {
  name = "member"
}

data "cloudlet_project" "shop" {
  name = "shop"
}

resource "cloudlet_user" "ann" {
  name = "ann"
}

resource "cloudlet_role_assignment" "ann" {
  role_id    = data.cloudlet_role.member.id
  user_id    = cloudlet_user.ann.id
  project_id = data.cloudlet_project.shop.id
}

# In all projects of a domain, now and later.
resource "cloudlet_role_assignment" "ann_everywhere" {
  role_id   = data.cloudlet_role.member.id
  user_id   = cloudlet_user.ann.id
  domain_id = "default"
  inherited = true
}
