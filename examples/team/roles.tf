data "cloudlet_role" "this" {
  for_each = toset(["reader", "member", "manager"])

  name = each.key
}

resource "cloudlet_role_assignment" "developers" {
  for_each = { for name, project in var.projects : name => project if !project.protected }

  role_id    = data.cloudlet_role.this["member"].id
  group_id   = cloudlet_group.of["developers"].id
  project_id = cloudlet_project.of[each.key].id
}

# In the domain: an operator makes projects and people there.
resource "cloudlet_role_assignment" "operators" {
  role_id   = data.cloudlet_role.this["manager"].id
  group_id  = cloudlet_group.of["operators"].id
  domain_id = cloudlet_domain.team.id
}

# In the projects of the domain, also those that are made later.
resource "cloudlet_role_assignment" "in_all_projects" {
  for_each = { operators = "member", auditors = "reader" }

  role_id   = data.cloudlet_role.this[each.value].id
  group_id  = cloudlet_group.of[each.key].id
  domain_id = cloudlet_domain.team.id
  inherited = true
}
