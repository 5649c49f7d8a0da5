# What the functions may do: no more than `xacct policy api` says.

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "api" {
  name               = local.name
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy" "api" {
  name   = "api"
  role   = aws_iam_role.api.id
  policy = data.aws_iam_policy_document.api.json
}

locals {
  partition  = data.aws_partition.this.partition
  account    = data.xacct_hub.this.account_id
  table_arn  = "arn:${local.partition}:dynamodb:${data.xacct_hub.this.region}:${local.account}:table/${data.xacct_hub.this.table_name}"
  bucket_arn = "arn:${local.partition}:s3:::${data.xacct_hub.this.template_bucket}"
  topic_arns = [
    for pair in setproduct(data.xacct_hub.this.regions, range(ceil(data.xacct_hub.this.capacity / 1500))) :
    "arn:${local.partition}:sns:${pair[0]}:${local.account}:xacct-${var.hub}-${pair[1]}"
  ]
}

data "aws_iam_policy_document" "api" {
  # It reads the registry, and writes links, who may publish, tokens of the connect
  # page and what proofs have shown; not the hub, and no permission set.
  statement {
    sid       = "RegistryReads"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
    resources = [local.table_arn]
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values = [
        "BOUND#*", "CONNECT#*", "CUSTOMER-HISTORY#*", "EXTERNAL#*", "FLEETS", "HEALTH-ROUND", "HUB", "KEY", "LINK#*", "LINK-HISTORY#*", "LIVE#*", "OUTBOX", "READERS", "REGISTRARS", "SELF-TEST", "SET#*", "SHARD#*", "STACK#*",
      ]
    }
    condition {
      test     = "Null"
      variable = "dynamodb:LeadingKeys"
      values   = ["false"]
    }
  }

  statement {
    sid       = "RegistryWrites"
    actions   = ["dynamodb:PutItem"]
    resources = [local.table_arn]
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["CONNECT#*", "CUSTOMER-HISTORY#*", "EXTERNAL#*", "LINK#*", "LINK-HISTORY#*", "LIVE#*", "OUTBOX", "READERS", "SHARD#*"]
    }
    condition {
      test     = "Null"
      variable = "dynamodb:LeadingKeys"
      values   = ["false"]
    }
  }

  statement {
    sid       = "Lists"
    actions   = ["dynamodb:UpdateItem"]
    resources = [local.table_arn]
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["READERS", "SHARD#*"]
    }
    condition {
      test     = "Null"
      variable = "dynamodb:LeadingKeys"
      values   = ["false"]
    }
  }

  statement {
    sid       = "RegistryChecks"
    actions   = ["dynamodb:ConditionCheckItem"]
    resources = [local.table_arn]
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["BOUND#*", "HUB", "SET#*", "SHARD#*"]
    }
    condition {
      test     = "Null"
      variable = "dynamodb:LeadingKeys"
      values   = ["false"]
    }
  }

  statement {
    sid       = "Publishers"
    actions   = ["sns:GetTopicAttributes", "sns:SetTopicAttributes"]
    resources = local.topic_arns
  }

  statement {
    sid       = "Readers"
    actions   = ["s3:GetBucketPolicy", "s3:PutBucketPolicy"]
    resources = [local.bucket_arn]
  }

  statement {
    sid       = "Templates"
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket_arn}/templates/*"]
  }

  # Roles of customers, and none of the vendor's own account, for verify.
  statement {
    sid       = "CustomersRoles"
    actions   = ["sts:AssumeRole"]
    resources = ["arn:${local.partition}:iam::*:role/*"]
    condition {
      test     = "StringNotEquals"
      variable = "aws:ResourceAccount"
      values   = [local.account]
    }
  }

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [for log in aws_cloudwatch_log_group.api : "${log.arn}:*"]
  }
}
