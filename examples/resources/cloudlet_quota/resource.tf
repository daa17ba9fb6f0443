resource "cloudlet_project" "team" {
  name = "team"
}

resource "cloudlet_quota" "team" {
  project_id = cloudlet_project.team.id
  instances  = 20
  cores      = 40
  ram        = 81920
  networks   = 5
  ports      = -1
}
