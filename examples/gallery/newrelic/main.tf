# A monitoring vendor whose customers have rules of their own for roles: they may give
# a permissions boundary and a path, in the form that the launch link opens.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Observability"
  support_url  = "https://acme.example/support"
}

resource "xacct_permission_set" "observability" {
  hub  = xacct_hub.this.id
  name = "observability"

  role_description    = "Reads metrics and inventories for Acme Observability"
  managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
  inline_policies = {
    budgets = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = ["budgets:ViewBudget", "ce:GetCostAndUsage"], Resource = "*" }]
    })
  }

  # What is said here is the default; the customer's choice comes home in `parameters`.
  role_path        = "/"
  customer_chooses = ["permissions_boundary", "role_path"]
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.observability.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
