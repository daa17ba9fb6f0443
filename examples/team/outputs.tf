output "domain_id" {
  description = "Id of the team's domain."
  value       = cloudlet_domain.team.id
}

output "project_ids" {
  description = "Ids of the projects."
  value       = { for name, project in cloudlet_project.of : name => project.id }
}

output "monitoring_credential_id" {
  description = "Id of the application credential of the monitoring."
  value       = cloudlet_application_credential.monitoring.id
}
