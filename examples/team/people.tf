resource "cloudlet_user" "person" {
  for_each = var.people

  name                = each.key
  domain_id           = cloudlet_domain.team.id
  email               = each.value.email
  enabled             = each.value.enabled
  password_wo         = var.passwords[each.key]
  password_wo_version = each.value.password_version
}

resource "cloudlet_group" "of" {
  for_each = local.groups

  name        = each.key
  domain_id   = cloudlet_domain.team.id
  description = each.value
}

locals {
  groups = {
    developers = "Work in all projects but those that are protected"
    operators  = "Work in all projects, and make projects and people"
    auditors   = "Look at everything, and change nothing"
  }

  # What a person is in, as "ann developers".
  memberships = merge([for name, person in var.people : {
    for group in person.groups : "${name} ${group}" => { name = name, group = group }
  }]...)
}

resource "cloudlet_group_membership" "of" {
  for_each = local.memberships

  group_id = cloudlet_group.of[each.value.group].id
  user_id  = cloudlet_user.person[each.value.name].id
}
