# A vendor whose customers have Terraform and want no CloudFormation: they make the
# role by plain IAM resources, which the output has for them. Registrars look for it
# under the open link, prove it and register it. Others may launch the link.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Builds"
  support_url  = "https://acme.example/support"
}

resource "xacct_permission_set" "agents" {
  hub  = xacct_hub.this.id
  name = "agents"

  register_without_stack = true

  inline_policies = {
    scale = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = ["autoscaling:DescribeAutoScalingGroups", "ec2:DescribeInstances"], Resource = "*" },
        {
          Effect    = "Allow"
          Action    = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
          Resource  = "arn:aws:autoscaling:*:${provider::xacct::customer_account_id()}:autoScalingGroup:*"
          Condition = { StringEquals = { "aws:ResourceTag/acme" = "agents" } }
        },
      ]
    })
  }

  optional_permissions = {
    artifacts = {
      description = "Read build artifacts"
      managed_policies = {
        artifacts = jsonencode({
          Version   = "2012-10-17"
          Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "s3:ListBucket"], Resource = ["arn:aws:s3:::acme-artifacts-*", "arn:aws:s3:::acme-artifacts-*/*"] }]
        })
      }
    }
  }
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.agents.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}

output "for_terraform" {
  value = provider::xacct::terraform_snippet(xacct_onboarding_link.globex.url, "iam")
}
