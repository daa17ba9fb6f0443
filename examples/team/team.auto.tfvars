name = "blue"

projects = {
  lab  = { description = "Try things here" }
  shop = { description = "What customers see", protected = true, images = 5 }
}

people = {
  ann = { email = "ann@example.org", groups = ["developers"] }
  bob = { email = "bob@example.org", groups = ["developers", "operators"] }
  eve = { email = "eve@example.org", groups = ["auditors"] }
}
