# terraform query -generate-config-out=sets.tf
list "xacct_permission_set" "all" {
  provider = xacct

  config {
    hub = "acme"
  }
}
