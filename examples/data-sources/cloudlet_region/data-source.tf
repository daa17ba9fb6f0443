data "cloudlet_region" "here" {
  id = "RegionOne"
}
