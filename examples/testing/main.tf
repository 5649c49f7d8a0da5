# The configuration under test: yours. Only the two outputs are for the test.

terraform {
  required_providers {
    xacct = {
      source = "xacct/xacct"
    }
  }
}

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Monitoring"
}

resource "xacct_onboarding_link" "globex" {
  hub         = xacct_hub.this.id
  customer_id = "globex"
  account_id  = "222222222222"
  role        = { managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] }
}

resource "xacct_customer_role" "globex" {
  link = xacct_onboarding_link.globex.id
}

output "link" {
  value = xacct_onboarding_link.globex.url
}

output "status" {
  value = xacct_customer_role.globex.status
}
