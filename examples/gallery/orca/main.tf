# An agentless scanner: one policy of AWS and six of its own on one role, and a second
# role for the scanner itself, which runs in another account of the vendor.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Scanning"
  support_url  = "https://acme.example/support"
}

resource "xacct_permission_set" "scanning" {
  hub  = xacct_hub.this.id
  name = "scanning"

  managed_policy_arns = ["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"]
  managed_policies = {
    read = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = ["cognito-idp:Describe*", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "eks:Describe*", "ssm:Describe*", "wafv2:Get*"], Resource = "*" }]
    })
    snapshots = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = ["ec2:CopySnapshot", "ec2:CreateSnapshot", "ec2:CreateSnapshots"], Resource = "*" },
        { Effect = "Allow", Action = ["ec2:DeleteSnapshot", "ec2:ModifySnapshotAttribute"], Resource = "*", Condition = { StringEquals = { "ec2:ResourceTag/acme" = "scan" } } },
      ]
    })
    encryption = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Effect   = "Allow"
          Action   = "kms:CreateGrant"
          Resource = "arn:aws:kms:*:${provider::xacct::customer_account_id()}:key/*"
          Condition = {
            Bool                        = { "kms:GrantIsForAWSResource" = "true" }
            "ForAllValues:StringEquals" = { "kms:GrantOperations" = ["CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"] }
          }
        },
        { Effect = "Allow", Action = ["kms:Decrypt", "kms:DescribeKey"], Resource = "arn:aws:kms:*:${provider::xacct::customer_account_id()}:key/*", Condition = { StringLike = { "kms:ViaService" = "ec2.*.amazonaws.com" } } },
      ]
    })
    storage = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = ["s3:GetBucketPolicy", "s3:GetEncryptionConfiguration", "s3:GetObject", "s3:ListBucket"], Resource = "*" }]
    })
    databases = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = ["rds:AddTagsToResource", "rds:CopyDBSnapshot", "rds:CreateDBSnapshot"], Resource = "arn:aws:rds:*:${provider::xacct::customer_account_id()}:*" },
        { Effect = "Allow", Action = ["rds:DeleteDBSnapshot", "rds:ModifyDBSnapshotAttribute"], Resource = "arn:aws:rds:*:${provider::xacct::customer_account_id()}:snapshot:*", Condition = { StringEquals = { "aws:ResourceTag/acme" = "scan" } } },
      ]
    })
    linked = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "iam:CreateServiceLinkedRole"
        Resource  = "arn:aws:iam::${provider::xacct::customer_account_id()}:role/aws-service-role/*"
        Condition = { StringLike = { "iam:AWSServiceName" = ["autoscaling.amazonaws.com", "spot.amazonaws.com"] } }
      }]
    })
  }

  allow_session_tags = true

  additional_roles = {
    scanner = {
      description            = "Reads the copies of snapshots"
      trusted_account_ids    = ["333333333333"]
      trusted_principal_arns = ["arn:aws:iam::333333333333:role/AcmeScanner"]
      allow_source_identity  = true
      max_session_duration   = 7200
      inline_policies = {
        copies = jsonencode({
          Version = "2012-10-17"
          Statement = [
            { Effect = "Allow", Action = ["ebs:GetSnapshotBlock", "ebs:ListSnapshotBlocks"], Resource = "arn:aws:ec2:*::snapshot/*", Condition = { StringEquals = { "aws:ResourceTag/acme" = "scan" } } },
            { Effect = "Allow", Action = "kms:Decrypt", Resource = "arn:aws:kms:*:${provider::xacct::customer_account_id()}:key/*", Condition = { StringLike = { "kms:ViaService" = "ec2.*.amazonaws.com" } } },
          ]
        })
      }
    }
  }
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.scanning.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
