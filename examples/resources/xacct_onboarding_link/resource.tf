resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.readonly.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

# Send this to the customer.
output "globex_link" {
  value = xacct_onboarding_link.globex.url
}

# A customer who is asked for something that no other one is.
resource "xacct_onboarding_link" "initech" {
  hub         = xacct_hub.this.id
  customer_id = "initech"
  account_id  = "333333333333"

  role = {
    description         = "Lets Acme Monitoring audit the pilot"
    managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
  }
}
