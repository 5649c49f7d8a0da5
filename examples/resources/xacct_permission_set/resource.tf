resource "xacct_permission_set" "readonly" {
  hub  = xacct_hub.this.id
  name = "readonly"

  role_description    = "Lets Acme Monitoring read metrics"
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

# All customers' links refer to it, and follow it in the same apply.
resource "xacct_onboarding_link" "customer" {
  for_each = { globex = "222222222222", initech = "333333333333" }

  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.readonly.id
  customer_id    = each.key
  account_id     = each.value
}
