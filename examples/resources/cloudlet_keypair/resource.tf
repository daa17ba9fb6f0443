# A key of yours.
resource "cloudlet_keypair" "admin" {
  name       = "admin"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl admin@example.org"
}

# A key that the provider makes. Its private half is written to a file, and is
# never in the state.
resource "cloudlet_keypair" "made" {
  name             = "made"
  private_key_file = "${path.module}/id_ed25519"
}
