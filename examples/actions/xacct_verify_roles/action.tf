# terraform apply -invoke=action.xacct_verify_roles.all
action "xacct_verify_roles" "all" {
  config {
    hub         = "acme"
    concurrency = 32
  }
}
