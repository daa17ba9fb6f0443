data "cloudlet_instance" "web" {
  name = "web"
}

data "cloudlet_port" "web" {
  device_id  = data.cloudlet_instance.web.id
  network_id = data.cloudlet_instance.web.networks[0].network_id
}
