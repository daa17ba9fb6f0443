data "cloudlet_quota" "mine" {}

output "free_cores" {
  value = data.cloudlet_quota.mine.cores < 0 ? null : data.cloudlet_quota.mine.cores - data.cloudlet_quota.mine.used.cores
}
