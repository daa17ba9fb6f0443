resource "cloudlet_group" "night_shift" {
  name = "night-shift"
}

resource "cloudlet_user" "ann" {
  name = "ann"
}

resource "cloudlet_group_membership" "ann" {
  group_id = cloudlet_group.night_shift.id
  user_id  = cloudlet_user.ann.id
}
