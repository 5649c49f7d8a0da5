# A cost management vendor that reads up to five buckets, each of which the customer
# may name or not; and resources of the customer's own account only.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Optimization"
  support_url  = "https://acme.example/support"
}

locals {
  buckets = {
    billing    = "billing reports"
    cloudtrail = "CloudTrail logs"
    config     = "AWS Config snapshots"
    ecs        = "container statistics"
    inventory  = "S3 inventories"
  }
}

resource "xacct_permission_set" "optimization" {
  hub  = xacct_hub.this.id
  name = "optimization"

  inline_policies = {
    read = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = ["autoscaling:Describe*", "cloudwatch:GetMetricStatistics", "ec2:Describe*", "rds:Describe*", "tag:GetResources"], Resource = "*" },
        { Effect = "Allow", Action = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], Resource = "arn:aws:sqs:*:${provider::xacct::customer_account_id()}:acme-*" },
        { Effect = "Allow", Action = "ec2:StopInstances", Resource = "arn:aws:ec2:*:${provider::xacct::customer_account_id()}:instance/*", Condition = { StringEquals = { "ec2:ResourceTag/acme" = "managed" } } },
      ]
    })
  }

  customer_parameters = {
    for key, what in local.buckets : "${key}_bucket" => {
      description     = "Bucket with your ${what}, if you have one"
      default         = ""
      allowed_pattern = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
      max_length      = 63
    }
  }

  optional_permissions = {
    for key, what in local.buckets : key => {
      description    = "Read your ${what}"
      when_parameter = "${key}_bucket"
      inline_policies = {
        (key) = jsonencode({
          Version = "2012-10-17"
          Statement = [
            { Effect = "Allow", Action = "s3:ListBucket", Resource = "arn:aws:s3:::${provider::xacct::customer_parameter("${key}_bucket")}" },
            { Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::${provider::xacct::customer_parameter("${key}_bucket")}/*" },
          ]
        })
      }
    }
  }
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.optimization.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
