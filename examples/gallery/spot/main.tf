# A cost vendor with two accounts of its own, and a bucket with cost reports that
# each customer names.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Costs"
  support_url  = "https://acme.example/support"
}

resource "xacct_permission_set" "costs" {
  hub  = xacct_hub.this.id
  name = "costs"

  managed_policy_arns = ["arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"]
  inline_policies = {
    reports = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = "s3:ListBucket", Resource = "arn:aws:s3:::${provider::xacct::customer_parameter("cost_bucket")}" },
        { Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::${provider::xacct::customer_parameter("cost_bucket")}/*" },
      ]
    })
  }

  trusted_account_ids = ["333333333333"]

  customer_parameters = {
    cost_bucket = {
      description     = "Bucket that your cost and usage reports are written to"
      allowed_pattern = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
      max_length      = 63
    }
  }
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.costs.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
