# A cost vendor: a role under a path of its own, a policy of AWS, one policy that
# allows and one that denies everything else. For an organization, the same role is
# a StackSet: scope = "organization".

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Vantage Point"
  support_url  = "https://acme.example/support"
}

resource "xacct_permission_set" "costs" {
  hub  = xacct_hub.this.id
  name = "costs"

  role_path           = "/vendors/acme/"
  managed_policy_arns = ["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"]
  inline_policies = {
    costs = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = ["ce:Describe*", "ce:Get*", "ce:List*", "compute-optimizer:Get*", "pricing:*", "savingsplans:Describe*"], Resource = "*" }]
    })
    guard = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Deny", NotAction = ["ce:*", "cloudwatch:*", "compute-optimizer:*", "ec2:Describe*", "pricing:*", "rds:Describe*", "s3:GetBucketLocation", "s3:ListAllMyBuckets", "savingsplans:*", "sts:GetCallerIdentity"], Resource = "*" }]
    })
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
