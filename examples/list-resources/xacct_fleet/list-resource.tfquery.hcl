# terraform query -generate-config-out=fleets.tf
list "xacct_fleet" "all" {
  provider = xacct

  config {
    hub = "acme"
  }
}
