data "cloudlet_group" "night_shift" {
  name = "night-shift"
}
