data "cloudlet_keypair" "mine" {
  name = "laptop"
}
