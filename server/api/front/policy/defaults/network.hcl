# Network (Neutron): members of a project make its networks; what reaches
# outside the project (shared, external, mapped to a physical network) is the
# administrators'.
rules = {
  "network:visible" = seen

  "network:network:list"              = true
  "network:network:get"               = admin || system_reader || project_reader || public
  "network:network:create"            = admin || project_member
  "network:network:update"            = admin || project_member
  "network:network:delete"            = admin || project_member
  "network:network:set_shared"        = admin
  "network:network:set_external"      = admin
  "network:network:set_default"       = admin
  "network:network:set_provider"      = admin
  "network:network:get_provider"      = admin || system_reader
  "network:network:set_port_security" = admin || project_member

  "network:subnet:list"   = true
  "network:subnet:get"    = admin || system_reader || project_reader || public
  "network:subnet:create" = admin || project_member
  "network:subnet:update" = admin || project_member
  "network:subnet:delete" = admin || project_member

  "network:port:list"             = true
  "network:port:get"              = admin || service || system_reader || project_reader
  "network:port:create"           = admin || service || project_member
  "network:port:update"           = admin || service || project_member
  "network:port:delete"           = admin || service || project_member
  "network:port:get_binding"      = admin || service || system_reader
  "network:port:set_binding"      = admin || service
  "network:port:set_device_owner" = admin || service || project_member
  # On a network of the caller's own, or as administrator: these undo anti-spoofing.
  "network:port:set_mac_address"           = admin || service || project_member
  "network:port:set_fixed_ips"             = admin || service || project_member
  "network:port:set_port_security"         = admin || service || project_member
  "network:port:set_allowed_address_pairs" = admin || service || project_member

  "network:security_group:list"   = true
  "network:security_group:get"    = admin || system_reader || project_reader || public
  "network:security_group:create" = admin || project_member
  "network:security_group:update" = admin || project_member
  "network:security_group:delete" = admin || project_member

  "network:security_group_rule:list"   = true
  "network:security_group_rule:get"    = admin || system_reader || project_reader
  "network:security_group_rule:create" = admin || project_member
  "network:security_group_rule:delete" = admin || project_member

  "network:quota:list"   = admin || system_reader
  "network:quota:get"    = admin || system_reader || project_reader
  "network:quota:update" = admin
  "network:quota:delete" = admin

  "network:extension:list" = true
  "network:extension:get"  = true
  "network:agent:list"     = admin || system_reader
  "network:agent:get"      = admin || system_reader
  "network:zone:list"      = true
  "network:tag:set"        = admin || project_member
}
