data "cloudlet_auth_scope" "me" {}

output "who_applied" {
  value = "${data.cloudlet_auth_scope.me.user_name} in ${data.cloudlet_auth_scope.me.project_name}"
}
