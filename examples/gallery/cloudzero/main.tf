# A cost vendor that needs more than a role: a bucket for exports in the customer's
# account, which outlives the stack, and a queue that tells of changes there. What
# they are called comes home with the phone-home, in `reported`.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Cost Exports"
  support_url  = "https://acme.example/support"
}

locals {
  bucket = "acme-exports-${provider::xacct::customer_account_id()}"
}

resource "xacct_permission_set" "exports" {
  hub                 = xacct_hub.this.id
  name                = "exports"
  managed_policy_arns = ["arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"]
  inline_policies = {
    exports = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "arn:aws:s3:::${local.bucket}/*" },
        { Effect = "Allow", Action = ["sqs:DeleteMessage", "sqs:ReceiveMessage"], Resource = "arn:aws:sqs:*:${provider::xacct::customer_account_id()}:*-Changes-*" },
      ]
    })
  }

  template_resources = jsonencode({
    Exports = {
      Type           = "AWS::S3::Bucket"
      DeletionPolicy = "Retain"
      Properties = {
        BucketName = local.bucket
        BucketEncryption = {
          ServerSideEncryptionConfiguration = [{ ServerSideEncryptionByDefault = { SSEAlgorithm = "AES256" } }]
        }
        PublicAccessBlockConfiguration = { BlockPublicAcls = true, BlockPublicPolicy = true, IgnorePublicAcls = true, RestrictPublicBuckets = true }
      }
    }
    ExportsPolicy = {
      Type = "AWS::S3::BucketPolicy"
      Properties = {
        Bucket = { Ref = "Exports" }
        PolicyDocument = {
          Version = "2012-10-17"
          Statement = [{
            Effect    = "Deny", Principal = "*", Action = "s3:*"
            Resource  = [{ "Fn::GetAtt" = ["Exports", "Arn"] }, "arn:aws:s3:::${local.bucket}/*"]
            Condition = { Bool = { "aws:SecureTransport" = "false" } }
          }]
        }
      }
    }
    Changes = {
      Type           = "AWS::SQS::Queue"
      DeletionPolicy = "Delete"
      Properties     = { MessageRetentionPeriod = 1209600 }
    }
    ChangesPolicy = {
      Type = "AWS::SQS::QueuePolicy"
      Properties = {
        Queues = [{ Ref = "Changes" }]
        PolicyDocument = {
          Version = "2012-10-17"
          Statement = [{
            Effect    = "Allow", Principal = { Service = "events.amazonaws.com" }, Action = "sqs:SendMessage"
            Resource  = { "Fn::GetAtt" = ["Changes", "Arn"] }
            Condition = { ArnEquals = { "aws:SourceArn" = { "Fn::GetAtt" = ["NewInstances", "Arn"] } } }
          }]
        }
      }
    }
    NewInstances = {
      Type = "AWS::Events::Rule"
      Properties = {
        EventPattern = { source = ["aws.ec2"], detail-type = ["EC2 Instance State-change Notification"] }
        Targets      = [{ Id = "changes", Arn = { "Fn::GetAtt" = ["Changes", "Arn"] } }]
      }
    }
  })

  template_outputs = jsonencode({
    bucket    = { Ref = "Exports" }
    queue_url = { Ref = "Changes" }
  })
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.exports.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
