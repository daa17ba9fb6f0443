variable "password" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "cloudlet_user" "ann" {
  name                = "ann"
  email               = "ann@example.org"
  password_wo         = var.password
  password_wo_version = 1 # the next password is sent when this changes
}

# A program's user: nobody is there to change its password.
resource "cloudlet_user" "backup" {
  name                                  = "backup"
  password_wo                           = var.password
  password_wo_version                   = 1
  ignore_password_expiry                = true
  ignore_change_password_upon_first_use = true
  lock_password                         = true
}
