resource "xacct_onboarding_link" "globex" {
  hub         = xacct_hub.this.id
  customer_id = "globex"
  account_id  = "222222222222"

  role = {
    description         = "Lets Acme Monitoring read metrics"
    managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]

    inline_policies = {
      metrics = jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Effect   = "Allow"
          Action   = ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"]
          Resource = "*"
        }]
      })
    }
  }
}

# Send this to the customer.
output "globex_link" {
  value = xacct_onboarding_link.globex.url
}
