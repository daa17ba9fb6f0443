locals {
  guests = concat([cloudlet_instance.front], cloudlet_instance.worker)
}

output "addresses" {
  description = "Addresses of the guests in the tenant network."
  value       = { for g in local.guests : g.name => g.ipv4_address }
}

output "outside_addresses" {
  description = "Addresses of the guests in the provider network, if there is one."
  value       = { for g in local.guests : g.name => g.networks[1].fixed_ip if length(g.networks) > 1 }
}

output "ids" {
  description = "Ids of the guests."
  value       = { for g in local.guests : g.name => g.id }
}

output "network_id" {
  description = "Id of the tenant network."
  value       = cloudlet_network.demo.id
}

output "private_key_file" {
  description = "File that the private SSH key is in."
  value       = cloudlet_keypair.demo.private_key_file
}
