# A compliance scanner that customers of every partition use: two policies of AWS,
# one of its own with ARNs of every partition, and, if the customer names a bucket
# and its owner, the export into it.

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Compliance"
  support_url  = "https://acme.example/support"
}

resource "xacct_permission_set" "compliance" {
  hub  = xacct_hub.this.id
  name = "compliance"

  managed_policy_arns = [
    "arn:${provider::xacct::customer_partition()}:iam::aws:policy/SecurityAudit",
    "arn:${provider::xacct::customer_partition()}:iam::aws:policy/job-function/ViewOnlyAccess",
  ]
  inline_policies = {
    additions = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Effect   = "Allow"
          Action   = ["account:Get*", "appstream:Describe*", "codeartifact:List*", "codebuild:BatchGet*", "ds:Describe*", "ecr:Describe*", "glue:GetConnections", "lambda:GetFunction*", "logs:FilterLogEvents", "macie2:GetMacieSession", "s3:GetAccountPublicAccessBlock", "shield:GetSubscriptionState", "support:Describe*"]
          Resource = "*"
        },
        {
          Effect   = "Allow"
          Action   = "apigateway:GET"
          Resource = [for path in ["restapis", "apis"] : "arn:${provider::xacct::customer_partition()}:apigateway:*::/${path}/*"]
        },
      ]
    })
  }

  # The vendor's roles by their names: a pattern would trust roles that are made later.
  trusted_principal_arns = ["arn:aws:iam::111111111111:role/acme-scan"]

  customer_parameters = {
    export_bucket = {
      description     = "Bucket that findings are exported to, if you want that"
      default         = ""
      allowed_pattern = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
      max_length      = 63
    }
    bucket_owner = {
      description     = "Account that owns the bucket: 12 digits"
      default         = "000000000000"
      allowed_pattern = "[0-9]{12}"
      min_length      = 12
      max_length      = 12
    }
  }

  optional_permissions = {
    export = {
      description    = "Export findings into your bucket"
      when_parameter = "export_bucket"
      inline_policies = {
        export = jsonencode({
          Version = "2012-10-17"
          Statement = [
            {
              Effect    = "Allow"
              Action    = ["s3:DeleteObject", "s3:PutObject"]
              Resource  = "arn:${provider::xacct::customer_partition()}:s3:::${provider::xacct::customer_parameter("export_bucket")}/*"
              Condition = { StringEquals = { "s3:ResourceAccount" = provider::xacct::customer_parameter("bucket_owner") } }
            },
            {
              Effect    = "Allow"
              Action    = "s3:ListBucket"
              Resource  = "arn:${provider::xacct::customer_partition()}:s3:::${provider::xacct::customer_parameter("export_bucket")}"
              Condition = { StringEquals = { "s3:ResourceAccount" = provider::xacct::customer_parameter("bucket_owner") } }
            },
          ]
        })
      }
    }
  }
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.compliance.id
  customer_id    = "globex"
  account_id     = "222222222222"
}

output "launch_link" {
  value = xacct_onboarding_link.globex.url
}
