data "cloudlet_availability_zones" "all" {}

output "zones" {
  value = data.cloudlet_availability_zones.all.names
}
