# terraform apply -invoke=action.xacct_redrive_dead_letters.acme
action "xacct_redrive_dead_letters" "acme" {
  config {
    hub   = "acme"
    limit = 10
  }
}
