variable "cloud" {
  description = "Name of a cloud in clouds.yaml, with an administrator's credentials. Default: OS_CLOUD."
  type        = string
  default     = null
}

variable "image_file" {
  description = "Disk image that the guests start from."
  type        = string
}

variable "private_key_file" {
  description = "File that the private SSH key is written to. Default: id_ed25519 beside this configuration."
  type        = string
  default     = null
}

variable "cidr" {
  description = "Addresses of the tenant network."
  type        = string
  default     = "10.10.0.0/24"
}

variable "physical_network" {
  description = "Physical network of the hosts that a flat provider network is mapped onto. Default: none, and no such network."
  type        = string
  default     = null
}

variable "provider_cidr" {
  description = "Addresses of the provider network. The first one is who is outside."
  type        = string
  default     = "172.24.5.0/24"
}

variable "guest_memory" {
  description = "Memory of a guest in MiB."
  type        = number
  default     = 128
}
