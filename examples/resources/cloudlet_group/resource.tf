resource "cloudlet_group" "night_shift" {
  name        = "night-shift"
  description = "Those who are awake"
}
