resource "cloudlet_region" "south" {
  id               = "south"
  parent_region_id = "RegionOne"
}
