# A cloud security vendor: two policies of AWS, and three of its own, which are
# more together than inline policies may be.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Security"
  support_url  = "https://acme.example/support"
}

locals {
  # Descriptions of what each of the policies reads, by service.
  services = {
    data = {
      athena                = ["BatchGet*", "Get*", "List*"]
      dax                   = ["BatchGet*", "Describe*", "Get*", "List*"]
      "docdb-elastic"       = ["Get*", "List*"]
      dynamodb              = ["BatchGet*", "Describe*", "Get*", "List*"]
      elasticache           = ["Describe*", "List*"]
      firehose              = ["Describe*", "List*"]
      glue                  = ["BatchGet*", "Describe*", "Get*", "List*"]
      kafka                 = ["Describe*", "Get*", "List*"]
      kinesis               = ["Describe*", "Get*", "List*"]
      kinesisanalytics      = ["Describe*", "Get*", "List*"]
      lakeformation         = ["Describe*", "Get*", "List*"]
      macie2                = ["BatchGet*", "Describe*", "Get*", "List*"]
      memorydb              = ["Describe*", "List*"]
      rds                   = ["Describe*", "List*"]
      redshift              = ["Describe*", "Get*", "List*"]
      "redshift-serverless" = ["Describe*", "Get*", "List*"]
      timestream            = ["Describe*", "Get*", "List*"]
    }
    compute = {
      apprunner        = ["Describe*", "List*"]
      appstream        = ["Describe*", "Get*", "List*"]
      autoscaling      = ["Describe*", "Get*"]
      batch            = ["Describe*", "Get*", "List*"]
      codebuild        = ["BatchGet*", "Describe*", "Get*", "List*"]
      codepipeline     = ["Get*", "List*"]
      ec2              = ["Describe*", "Get*", "List*"]
      ecr              = ["BatchGet*", "Describe*", "Get*", "List*"]
      ecs              = ["Describe*", "Get*", "List*"]
      eks              = ["Describe*", "List*"]
      elasticbeanstalk = ["Describe*", "List*"]
      "emr-containers" = ["Describe*", "Get*", "List*"]
      "emr-serverless" = ["Get*", "List*"]
      lambda           = ["Get*", "List*"]
      lightsail        = ["Get*"]
      sagemaker        = ["BatchGet*", "Describe*", "Get*", "List*"]
      states           = ["Describe*", "Get*", "List*"]
    }
    perimeter = {
      acm                  = ["Describe*", "Get*", "List*"]
      apigateway           = ["Get*", "List*"]
      cloudfront           = ["Describe*", "Get*", "List*"]
      "cognito-identity"   = ["Describe*", "Get*", "List*"]
      "cognito-idp"        = ["Describe*", "Get*", "List*"]
      elasticloadbalancing = ["Describe*", "Get*"]
      globalaccelerator    = ["Describe*", "List*"]
      "network-firewall"   = ["Describe*", "Get*", "List*"]
      networkmanager       = ["Describe*", "Get*", "List*"]
      ram                  = ["Get*", "List*"]
      route53              = ["Get*", "List*"]
      shield               = ["Describe*", "Get*", "List*"]
      transfer             = ["Describe*", "List*"]
      wafv2                = ["Describe*", "Get*", "List*"]
      workspaces           = ["Describe*", "Get*", "List*"]
    }
  }
}

resource "xacct_permission_set" "security" {
  hub  = xacct_hub.this.id
  name = "security"

  managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"]
  managed_policies = merge(
    { for name, services in local.services : name => jsonencode({
      Version = "2012-10-17"
      Statement = [for service, names in services : {
        Effect   = "Allow"
        Action   = [for name in names : "${service}:${name}"]
        Resource = "*"
      }]
    }) },
    {
      snapshots = jsonencode({
        Version = "2012-10-17"
        Statement = [
          { Sid = "Copy", Effect = "Allow", Action = ["ec2:CopySnapshot", "ec2:CreateSnapshot"], Resource = "*" },
          { Sid = "Tag", Effect = "Allow", Action = "ec2:CreateTags", Resource = "arn:aws:ec2:*::snapshot/*", Condition = { StringEquals = { "ec2:CreateAction" = ["CopySnapshot", "CreateSnapshot"] } } },
          { Sid = "Remove", Effect = "Allow", Action = ["ec2:DeleteSnapshot", "ec2:ModifySnapshotAttribute"], Resource = "arn:aws:ec2:*::snapshot/*", Condition = { StringEquals = { "ec2:ResourceTag/acme" = "scan" } } },
        ]
      })
    },
  )
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.security.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
