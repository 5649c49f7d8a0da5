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
    data      = ["athena", "dax", "docdb-elastic", "dynamodb", "elasticache", "firehose", "glue", "kafka", "kinesis", "kinesisanalytics", "lakeformation", "macie2", "memorydb", "rds", "redshift", "redshift-serverless", "timestream"]
    compute   = ["apprunner", "appstream", "autoscaling", "batch", "codebuild", "codepipeline", "ec2", "ecr", "ecs", "eks", "elasticbeanstalk", "emr-containers", "emr-serverless", "lambda", "lightsail", "sagemaker", "states"]
    perimeter = ["acm", "apigateway", "cloudfront", "cognito-identity", "cognito-idp", "elasticloadbalancing", "globalaccelerator", "network-firewall", "networkmanager", "ram", "route53", "shield", "transfer", "wafv2", "workspaces"]
  }
}

resource "xacct_onboarding_link" "globex" {
  hub         = xacct_hub.this.id
  customer_id = "globex"
  account_id  = "222222222222"

  role = {
    managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"]
    managed_policies = merge(
      { for name, services in local.services : name => jsonencode({
        Version = "2012-10-17"
        Statement = [for service in services : {
          Effect   = "Allow"
          Action   = ["${service}:BatchGet*", "${service}:Describe*", "${service}:Get*", "${service}:List*"]
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
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
