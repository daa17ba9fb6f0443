data "cloudlet_instance" "web" {
  name = "web"
}

output "address" {
  value = data.cloudlet_instance.web.ipv4_address
}
