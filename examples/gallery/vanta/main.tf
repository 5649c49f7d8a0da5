# A vendor whose scanner lives in another account than its onboarding: the role
# trusts the scanner there, and denies itself what the scanner must never read.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Trust"
  support_url  = "https://acme.example/support"
}

resource "xacct_permission_set" "trust" {
  hub  = xacct_hub.this.id
  name = "trust"

  managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
  inline_policies = {
    additions = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = ["backup:ListBackupJobs", "backup:ListRecoveryPointsByResource", "identitystore:Describe*", "identitystore:List*", "sso:ListPermissionSets"], Resource = "*" },
        { Effect = "Deny", Action = ["dms:DescribeEndpoints", "iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails", "workmail:DescribeUser"], Resource = "*" },
      ]
    })
  }

  trusted_account_ids    = ["333333333333"]
  trusted_principal_arns = ["arn:aws:iam::333333333333:role/scanner"]
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.trust.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
