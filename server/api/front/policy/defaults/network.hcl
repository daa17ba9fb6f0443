# Network (Neutron): members of a project make its networks; what reaches
# outside the project (shared, external, mapped to a physical network) is the
# administrators'.
#
# target.attr.network_project_id is the owner of the network that a port is on,
# target.attr.network_shared whether that network is shared.
define = {
  network_owner  = caller.project_id != "" && caller.project_id == target.attr.network_project_id
  network_reader = reader && network_owner
  network_member = member && network_owner
}

rules = {
  "network:visible" = seen || network_owner

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
  "network:subnet:get"    = admin || system_reader || project_reader || network_reader || public
  "network:subnet:create" = admin || project_member
  "network:subnet:update" = admin || project_member || network_member
  "network:subnet:delete" = admin || project_member || network_member

  "network:port:list"        = true
  "network:port:get"         = admin || service || system_reader || project_reader || network_reader
  "network:port:create"      = admin || service || project_member
  "network:port:update"      = admin || service || project_member
  "network:port:delete"      = admin || service || project_member || network_member
  "network:port:get_binding" = admin || service || system_reader
  "network:port:set_binding" = admin || service
  # Those who share a network with others may not take what may be another's:
  # these are for who owns the network.
  "network:port:set_device_owner"          = admin || service || network_member # "network:…"
  "network:port:set_mac_address"           = admin || service || network_member # of a new port
  "network:port:change_mac_address"        = admin || service
  "network:port:set_address"               = admin || service || network_member # by its name
  "network:port:set_fixed_ips"             = admin || service || network_member || member && target.attr.network_shared == "true"
  "network:port:set_port_security"         = admin || service || network_member
  "network:port:set_allowed_address_pairs" = admin || service || network_member

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
  "network:zone:list"      = true
  "network:tag:set"        = admin || project_member
}
