resource "cloudlet_security_group" "web" {
  name        = "web"
  description = "SSH and HTTP from anywhere, everything among members"

  rules = [
    { direction = "ingress", protocol = "tcp", port_min = 22 },
    { direction = "ingress", protocol = "tcp", port_min = 80 },
    { direction = "ingress", protocol = "icmp" },
    { direction = "ingress", remote_self = true },
  ]
}
