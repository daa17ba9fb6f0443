# Compute (Nova): members of a project work on its instances, readers look at
# them, keypairs belong to users, hosts and flavors to administrators.
rules = {
  "compute:visible" = seen

  "compute:instance:list"            = admin || system_reader || project_reader
  "compute:instance:list_all"        = admin || system_reader # all_tenants
  "compute:instance:get"             = admin || system_reader || project_reader
  "compute:instance:get_host"        = admin || system_reader # OS-EXT-SRV-ATTR, host_status
  "compute:instance:create"          = admin || project_member
  "compute:instance:create_on"       = admin # a host named by the caller
  "compute:instance:update"          = admin || project_member
  "compute:instance:delete"          = admin || project_member
  "compute:instance:start"           = admin || project_member
  "compute:instance:stop"            = admin || project_member
  "compute:instance:reboot"          = admin || project_member
  "compute:instance:lock"            = admin || project_member # and unlock
  "compute:instance:console"         = admin || project_member
  "compute:instance:reset_state"     = admin
  "compute:instance_metadata:list"   = admin || system_reader || project_reader
  "compute:instance_metadata:get"    = admin || system_reader || project_reader
  "compute:instance_metadata:set"    = admin || project_member
  "compute:instance_metadata:delete" = admin || project_member
  "compute:instance_tag:list"        = admin || system_reader || project_reader
  "compute:instance_tag:set"         = admin || project_member
  "compute:instance_tag:delete"      = admin || project_member
  "compute:interface:list"           = admin || system_reader || project_reader
  "compute:interface:get"            = admin || system_reader || project_reader
  "compute:interface:create"         = admin || project_member
  "compute:interface:delete"         = admin || project_member
  "compute:security_group:list"      = admin || system_reader || project_reader
  "compute:security_group:get"       = admin || system_reader || project_reader
  "compute:action:list"              = admin || system_reader || project_reader
  "compute:action:get"               = admin || system_reader || project_reader
  "compute:action:events"            = admin || system_reader # traceback and host of an event

  "compute:flavor:list"          = true
  "compute:flavor:get"           = admin || public
  "compute:flavor:create"        = admin
  "compute:flavor:update"        = admin
  "compute:flavor:delete"        = admin
  "compute:flavor_spec:list"     = true
  "compute:flavor_spec:get"      = true
  "compute:flavor_spec:set"      = admin
  "compute:flavor_spec:unset"    = admin
  "compute:flavor_access:list"   = admin || system_reader
  "compute:flavor_access:add"    = admin
  "compute:flavor_access:remove" = admin

  "compute:keypair:list"   = admin || system_reader || own_user
  "compute:keypair:get"    = admin || system_reader || own_user
  "compute:keypair:create" = admin || own_user
  "compute:keypair:delete" = admin || own_user

  "compute:group:list"     = admin || system_reader || project_reader
  "compute:group:list_all" = admin || system_reader
  "compute:group:get"      = admin || system_reader || project_reader
  "compute:group:create"   = admin || project_member
  "compute:group:delete"   = admin || project_member

  "compute:limit:get"    = true
  "compute:quota:get"    = admin || system_reader || project_reader
  "compute:quota:update" = admin
  "compute:quota:delete" = admin
  "compute:usage:list"   = admin || system_reader
  "compute:usage:get"    = admin || system_reader || project_reader

  "compute:zone:list"      = true
  "compute:zone:detail"    = admin || system_reader
  "compute:host:list"      = admin || system_reader
  "compute:host:get"       = admin || system_reader
  "compute:host:update"    = admin
  "compute:host:delete"    = admin
  "compute:extension:list" = true
  "compute:extension:get"  = true
}
