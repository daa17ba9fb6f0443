# Image (Glance): members of a project make images and offer them to others;
# only administrators make them public.
rules = {
  "image:visible" = seen || target.attr.visibility == "community" || target.attr.member == "true"

  "image:image:list"          = true
  "image:image:get"           = true # of what is visible
  "image:image:create"        = admin || project_member
  "image:image:update"        = admin || project_member
  "image:image:delete"        = admin || project_member
  "image:image:upload"        = admin || project_member
  "image:image:stage"         = admin || project_member
  "image:image:import"        = admin || project_member
  "image:image:copy"          = admin # into further stores
  "image:image:download"      = true  # of what is visible
  "image:image:publicize"     = admin
  "image:image:communitize"   = admin || project_member
  "image:image:deactivate"    = admin || project_member
  "image:image:reactivate"    = admin || project_member
  "image:image:set_owner"     = admin # create or give away in the name of another project
  "image:image:set_protected" = admin || project_member

  "image:tag:set"    = admin || project_member
  "image:tag:delete" = admin || project_member

  "image:member:list"   = admin || project_reader || target.attr.member == "true"
  "image:member:get"    = admin || project_reader || target.attr.member == "true"
  "image:member:create" = admin || project_member
  "image:member:delete" = admin || project_member
  "image:member:update" = admin || member && target.attr.member == "true"

  "image:cache:manage" = admin
  "image:usage:get"    = true # of the own project

  "image:location:get"    = admin || project_reader # where locations are offered
  "image:location:set"    = admin || project_member
  "image:location:delete" = admin || project_member

  "image:metadef:get"    = true # of what is visible
  "image:metadef:change" = admin

  "image:schema:get"   = true
  "image:store:list"   = true
  "image:store:detail" = admin
  "image:import:info"  = true

  "image:task:list"          = admin
  "image:task:get"           = admin
  "image:task:create"        = admin
  "image:task:list_of_image" = admin || project_reader
}
