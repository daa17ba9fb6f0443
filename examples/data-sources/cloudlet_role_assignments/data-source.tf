data "cloudlet_project" "demo" {
  name = "demo"
}

# Whoever can do anything in the project, by whatever way.
data "cloudlet_role_assignments" "demo" {
  project_id = data.cloudlet_project.demo.id
  effective  = true
}

output "people" {
  value = toset(data.cloudlet_role_assignments.demo.assignments[*].user_name)
}
