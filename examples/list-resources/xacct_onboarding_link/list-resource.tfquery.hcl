# terraform query -generate-config-out=links.tf
list "xacct_onboarding_link" "all" {
  provider = xacct
  limit    = 10000 # Terraform's default is 100

  config {
    hub = "acme"
  }
}

# Those of two customers, if their links are open.
list "xacct_onboarding_link" "some" {
  provider = xacct

  config {
    hub          = "acme"
    customer_ids = ["globex", "initech"]
    status       = "open"
  }
}
