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

  # Two switches in the customer's console, beside what the role always has.
  optional_permissions = {
    billing = {
      description         = "Read invoices, for the cost report"
      managed_policy_arns = ["arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"]
    }
    restart_hosts = {
      description     = "Restart hosts that hang"
      default_enabled = true
      inline_policies = {
        restart = jsonencode({
          Version = "2012-10-17"
          Statement = [{
            Effect    = "Allow"
            Action    = "ec2:RebootInstances"
            Resource  = "*"
            Condition = { StringEquals = { "aws:ResourceTag/acme-may-restart" = "yes" } }
          }]
        })
      }
    }
  }
}

# Send this to the customer.
output "globex_link" {
  value = xacct_onboarding_link.globex.url
}
