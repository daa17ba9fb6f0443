variable "cloud" {
  description = "Name of a cloud in clouds.yaml, with an administrator's credentials. Default: OS_CLOUD."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the team, and of its domain."
  type        = string
}

variable "projects" {
  description = "The projects, by name. Developers do not work in protected ones; images is how many images it may have, if it is not as many as others."
  type = map(object({
    description = optional(string, "")
    protected   = optional(bool, false)
    images      = optional(number)
  }))
}

variable "people" {
  description = "The people, by their names. To give somebody another password, change password_version with it."
  type = map(object({
    email            = string
    groups           = set(string)
    enabled          = optional(bool, true)
    password_version = optional(number, 1)
  }))

  validation {
    condition     = alltrue([for p in var.people : length(setsubtract(p.groups, ["developers", "operators", "auditors"])) == 0])
    error_message = "The groups are developers, operators and auditors."
  }
}

variable "passwords" {
  description = "The people's passwords, by their names. They are in no plan and no state."
  type        = map(string)
  ephemeral   = true
}

variable "images_per_project" {
  description = "How many images a project of the cloud may have if nothing else is said."
  type        = number
  default     = 20
}

variable "monitoring_secret" {
  description = "The secret of the monitoring's application credential. It is in no plan and no state."
  type        = string
  ephemeral   = true
}

variable "monitoring_version" {
  description = "Number to change with monitoring_secret."
  type        = number
  default     = 1
}
