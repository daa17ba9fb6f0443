# Identity (Keystone): administrators manage everything; a manager of a domain
# manages the users, groups and projects of that domain; everybody sees themselves.
#
# target.domain_id is the domain that the user, project or assignment is in (of an
# assignment, only if user and scope are in the same one; in a list, its scope is), target.attr.role the
# name of the role that an assignment grants, empty if it is a role of one domain.
define = {
  domain_reader  = reader && own_domain
  domain_manager = manager && own_domain
  # What a manager may hand out: never more than they have.
  lesser_role = target.attr.role == "manager" || target.attr.role == "member" || target.attr.role == "reader"
}

rules = {
  "identity:token:validate" = admin || service || system_reader || own_user
  "identity:token:revoke"   = admin || own_user

  "identity:domain:list"   = admin || system_reader || own_domain && reader
  "identity:domain:get"    = admin || system_reader || target.attr.of_token == "true" || own_domain
  "identity:domain:create" = admin
  "identity:domain:update" = admin
  "identity:domain:delete" = admin

  "identity:domain_config:get"    = admin || system_reader
  "identity:domain_config:create" = admin
  "identity:domain_config:update" = admin
  "identity:domain_config:delete" = admin

  "identity:project:list"    = admin || system_reader || domain_reader
  "identity:project:list_of" = admin || system_reader || domain_reader || own_user # GET users/{id}/projects
  "identity:project:get"     = admin || system_reader || domain_reader || owner
  "identity:project:create"  = admin || domain_manager
  "identity:project:update"  = admin || domain_manager
  "identity:project:delete"  = admin || domain_manager

  "identity:user:list"   = admin || system_reader || domain_reader
  "identity:user:get"    = admin || system_reader || domain_reader || own_user
  "identity:user:create" = admin || domain_manager
  "identity:user:update" = admin || domain_manager
  "identity:user:delete" = admin || domain_manager

  "identity:group:list"        = admin || system_reader || domain_reader
  "identity:group:list_of"     = admin || system_reader || domain_reader || own_user # GET users/{id}/groups
  "identity:group:get"         = admin || system_reader || domain_reader
  "identity:group:create"      = admin || domain_manager
  "identity:group:update"      = admin || domain_manager
  "identity:group:delete"      = admin || domain_manager
  "identity:membership:list"   = admin || system_reader || domain_reader
  "identity:membership:get"    = admin || system_reader || domain_reader
  "identity:membership:create" = admin || domain_manager
  "identity:membership:delete" = admin || domain_manager

  "identity:role:list"   = admin || system_reader || manager
  "identity:role:get"    = admin || system_reader || manager
  "identity:role:create" = admin
  "identity:role:update" = admin
  "identity:role:delete" = admin

  "identity:implied_role:list"   = admin || system_reader
  "identity:implied_role:get"    = admin || system_reader
  "identity:implied_role:create" = admin
  "identity:implied_role:delete" = admin

  "identity:assignment:list"          = admin || system_reader || domain_reader
  "identity:assignment:get"           = admin || system_reader || domain_reader
  "identity:assignment:create"        = admin || domain_manager && lesser_role
  "identity:assignment:delete"        = admin || domain_manager && lesser_role
  "identity:system_assignment:list"   = admin || system_reader
  "identity:system_assignment:get"    = admin || system_reader
  "identity:system_assignment:create" = admin
  "identity:system_assignment:delete" = admin

  "identity:region:list"     = true
  "identity:region:get"      = true
  "identity:region:create"   = admin
  "identity:region:update"   = admin
  "identity:region:delete"   = admin
  "identity:service:list"    = admin || system_reader
  "identity:service:get"     = admin || system_reader
  "identity:service:create"  = admin
  "identity:service:update"  = admin
  "identity:service:delete"  = admin
  "identity:endpoint:list"   = admin || system_reader
  "identity:endpoint:get"    = admin || system_reader
  "identity:endpoint:create" = admin
  "identity:endpoint:update" = admin
  "identity:endpoint:delete" = admin

  "identity:credential:list"       = true # each sees what identity:credential:get allows
  "identity:credential:get"        = admin || system_reader || own_user
  "identity:credential:create"     = admin || own_user
  "identity:credential:update"     = admin || own_user
  "identity:credential:delete"     = admin || own_user
  "identity:ec2_credential:list"   = admin || system_reader || own_user
  "identity:ec2_credential:get"    = admin || system_reader || own_user
  "identity:ec2_credential:create" = admin || own_user
  "identity:ec2_credential:delete" = admin || own_user
  "identity:ec2_token:create"      = admin || service # a service proves a signature and gets the signer's token

  "identity:application_credential:list"   = admin || system_reader || own_user
  "identity:application_credential:get"    = admin || system_reader || own_user
  "identity:application_credential:create" = admin || own_user # and only for oneself
  "identity:application_credential:delete" = admin || own_user
  "identity:access_rule:list"              = admin || system_reader || own_user
  "identity:access_rule:get"               = admin || system_reader || own_user
  "identity:access_rule:delete"            = admin || own_user

  # Of a trust, or of a list of them by its query, own_user is the trustor.
  "identity:trust:list"   = admin || system_reader || own_user || caller.user_id == target.attr.trustee_user_id
  "identity:trust:get"    = admin || system_reader || own_user || caller.user_id == target.attr.trustee_user_id
  "identity:trust:create" = own_user && caller.project_id != "" # what one has in a project, by a token of one
  "identity:trust:delete" = admin || own_user

  "identity:identity_provider:list"   = admin || system_reader
  "identity:identity_provider:get"    = admin || system_reader
  "identity:identity_provider:create" = admin
  "identity:identity_provider:update" = admin
  "identity:identity_provider:delete" = admin
  "identity:protocol:list"            = admin || system_reader
  "identity:protocol:get"             = admin || system_reader
  "identity:protocol:create"          = admin
  "identity:protocol:update"          = admin
  "identity:protocol:delete"          = admin
  "identity:mapping:list"             = admin || system_reader
  "identity:mapping:get"              = admin || system_reader
  "identity:mapping:create"           = admin
  "identity:mapping:update"           = admin
  "identity:mapping:delete"           = admin
  "identity:service_provider:list"    = admin || system_reader
  "identity:service_provider:get"     = admin || system_reader
  "identity:service_provider:create"  = admin
  "identity:service_provider:update"  = admin
  "identity:service_provider:delete"  = admin

  "identity:policy:list"            = admin || system_reader
  "identity:policy:get"             = admin || system_reader
  "identity:policy:create"          = admin
  "identity:policy:update"          = admin
  "identity:policy:delete"          = admin
  "identity:endpoint_group:list"    = admin || system_reader
  "identity:endpoint_group:get"     = admin || system_reader
  "identity:endpoint_group:create"  = admin
  "identity:endpoint_group:update"  = admin
  "identity:endpoint_group:delete"  = admin
  "identity:endpoint_filter:get"    = admin || system_reader
  "identity:endpoint_filter:create" = admin
  "identity:endpoint_filter:delete" = admin

  "identity:consumer:list"   = admin || system_reader
  "identity:consumer:get"    = admin || system_reader
  "identity:consumer:create" = admin
  "identity:consumer:update" = admin
  "identity:consumer:delete" = admin

  # Of an access token, own_user is who authorized it.
  "identity:request_token:authorize" = admin || own_user # everybody for oneself, and only with roles that one has
  "identity:access_token:list"       = admin || system_reader || own_user
  "identity:access_token:get"        = admin || system_reader || own_user
  "identity:access_token:delete"     = admin || own_user

  "identity:registered_limit:list"   = true
  "identity:registered_limit:get"    = true
  "identity:registered_limit:create" = admin
  "identity:registered_limit:update" = admin
  "identity:registered_limit:delete" = admin
  "identity:limit:list"              = true # each sees what identity:limit:get allows
  "identity:limit:get"               = admin || system_reader || domain_reader || owner
  "identity:limit:create"            = admin
  "identity:limit:update"            = admin
  "identity:limit:delete"            = admin
}
