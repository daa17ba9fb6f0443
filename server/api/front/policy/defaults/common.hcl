# Names that the rules of all services are made of. An operator's file may give
# any of them another meaning; it then holds in every rule that uses the name.
#
# Roles imply each other: admin > manager > member > reader. Identity expands
# them before policy is asked, so role("reader") holds for a member too.
define = {
  admin   = role("admin")
  manager = role("manager")
  member  = role("member")
  reader  = role("reader")
  service = role("service")

  public       = target.public
  system_scope = caller.system
  owner        = caller.project_id != "" && caller.project_id == target.project_id
  own_user     = caller.user_id != "" && caller.user_id == target.user_id
  own_domain   = caller.domain_id != "" && caller.domain_id == target.domain_id

  # Personas, as OpenStack's secure RBAC has them.
  system_reader  = reader && system_scope
  project_reader = reader && owner
  project_member = member && owner

  # Who may know that a thing exists at all; for everybody else it answers 404.
  # A thing with no owner that is not public is the administrators'.
  seen = admin || service || system_reader || owner || own_user || public
}
