# A vendor of privileged access: each session says in its tags and its source identity
# who is behind it, and the customer's policies decide by that. The external ID rotates:
# another external_id_version gives live customers a new one, without an interruption.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Access"
  support_url  = "https://acme.example/support"
}

resource "xacct_permission_set" "access" {
  hub  = xacct_hub.this.id
  name = "access"

  allow_session_tags    = true
  allow_source_identity = true
  max_session_duration  = 43200

  inline_policies = {
    sessions = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = ["ssm:DescribeSessions", "ssm:GetConnectionStatus"], Resource = "*" },
        {
          Effect    = "Allow"
          Action    = "ssm:StartSession"
          Resource  = "arn:aws:ec2:*:${provider::xacct::customer_account_id()}:instance/*"
          Condition = { StringEquals = { "aws:ResourceTag/team" = "$${aws:PrincipalTag/team}" } }
        },
        {
          Effect   = "Allow"
          Action   = "ssm:TerminateSession"
          Resource = "arn:aws:ssm:*:${provider::xacct::customer_account_id()}:session/$${aws:SourceIdentity}-*"
        },
      ]
    })
  }
}

resource "xacct_onboarding_link" "globex" {
  hub                 = xacct_hub.this.id
  permission_set      = xacct_permission_set.access.id
  customer_id         = "globex"
  account_id          = "222222222222"
  external_id_version = 1
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
