# The template, for a customer's security team to review before there is a link.
data "xacct_stack_template" "review" {
  hub = "acme"

  # Without this argument the hub is read.
  vendor = {
    account_id   = "111111111111"
    regions      = ["us-east-1", "eu-central-1"]
    display_name = "Acme Monitoring"
  }

  role = {
    managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
  }

  # What the customer may switch on is in the template as well.
  optional_permissions = {
    billing = {
      description         = "Read invoices, for the cost report"
      managed_policy_arns = ["arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"]
    }
  }
}

output "template" {
  value = data.xacct_stack_template.review.yaml
}
