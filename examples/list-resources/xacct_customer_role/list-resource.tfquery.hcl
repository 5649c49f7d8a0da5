# Whose role does not work, and what is known of it?
list "xacct_customer_role" "broken" {
  provider         = xacct
  include_resource = true

  config {
    hub    = "acme"
    status = "degraded"
  }
}

# Who has still to update their stack?
list "xacct_customer_role" "outdated" {
  provider = xacct
  limit    = 10000 # Terraform's default is 100

  config {
    hub      = "acme"
    outdated = true
  }
}
