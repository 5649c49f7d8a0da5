# What the tasks may do: no more than `xacct policy registrar` says.

data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.xacct_hub.this.account_id]
    }
  }
}

resource "aws_iam_role" "registrar" {
  name               = local.name
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy" "registrar" {
  name   = "registrar"
  role   = aws_iam_role.registrar.id
  policy = data.aws_iam_policy_document.registrar.json
}

data "aws_iam_policy_document" "registrar" {
  # It reads links and writes registrations; the key that makes external
  # IDs and the lists of publishers are out of its reach.
  statement {
    sid       = "RegistryReads"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
    resources = [local.table_arn]
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values = [
        "BOUND#*", "CUSTOMER-HISTORY#*", "EXTERNAL#*", "HEALTH-ROUND", "HUB", "LINK#*", "LIVE#*", "OUTBOX", "REGISTRARS", "SELF-TEST", "SET#*", "STACK#*",
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
    actions   = ["dynamodb:ConditionCheckItem", "dynamodb:PutItem"]
    resources = [local.table_arn]
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["BOUND#*", "CUSTOMER-HISTORY#*", "HEALTH-ROUND", "LIVE#*", "OUTBOX", "REGISTRARS", "SELF-TEST", "STACK#*"]
    }
    condition {
      test     = "Null"
      variable = "dynamodb:LeadingKeys"
      values   = ["false"]
    }
  }

  statement {
    sid       = "Queue"
    actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"]
    resources = [data.xacct_hub.this.queue_arn]
  }

  statement {
    sid       = "DeadLetters"
    actions   = ["sqs:SendMessage"]
    resources = [data.xacct_hub.this.dead_letter_queue_arn]
  }

  # Roles of customers, and none of the vendor's own account. There is no
  # condition on sts:ExternalId on purpose: a proof tries a role without one too.
  statement {
    sid       = "CustomersRoles"
    actions   = ["sts:AssumeRole"]
    resources = ["arn:${data.aws_partition.this.partition}:iam::*:role/*"]
    condition {
      test     = "StringNotEquals"
      variable = "aws:ResourceAccount"
      values   = [data.xacct_hub.this.account_id]
    }
  }
}

# ECS itself starts the tasks with this one: it writes their log.
resource "aws_iam_role" "execution" {
  name               = "${local.name}-execution"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.registrar.arn}:*"]
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "logs"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}
