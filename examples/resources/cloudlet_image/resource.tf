resource "cloudlet_image" "debian" {
  name        = "debian-12"
  source_file = "${path.module}/debian-12-generic-amd64.qcow2"
  min_disk    = 2
  tags        = ["debian"]

  properties = {
    os_distro = "debian"
  }
}
