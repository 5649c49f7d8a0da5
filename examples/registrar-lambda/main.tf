# The registrar of a hub as a Lambda function: it answers the customers of the
# hub while Terraform does not run. See README.md for how to build the package.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0" # alarms in the topics' own Regions
    }
    xacct = {
      source = "xacct/xacct"
    }
  }
}

# The function has to be in the hub's own Region and account.
data "xacct_hub" "this" {
  name = var.hub
}

data "aws_partition" "this" {}

locals {
  name      = "xacct-${var.hub}-registrar"
  table_arn = "arn:${data.aws_partition.this.partition}:dynamodb:${data.xacct_hub.this.region}:${data.xacct_hub.this.account_id}:table/${data.xacct_hub.this.table_name}"
}

resource "aws_lambda_function" "registrar" {
  function_name = local.name
  description   = "Answers the customers of hub ${var.hub}"
  role          = aws_iam_role.registrar.arn

  # The program itself is the function: it notices that Lambda started it.
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = 256

  # Less than the two minutes for which the queue hides a message from others,
  # and more than the 75 seconds that a single one may take.
  timeout = 90

  environment {
    variables = {
      XACCT_HUB          = var.hub
      XACCT_VERIFY_EVERY = var.verify_every
    }
  }

  depends_on = [aws_cloudwatch_log_group.registrar]
}

resource "aws_cloudwatch_log_group" "registrar" {
  name              = "/aws/lambda/${local.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_event_source_mapping" "queue" {
  event_source_arn = data.xacct_hub.this.queue_arn
  function_name    = aws_lambda_function.registrar.arn
  batch_size       = 10

  # A message that has to wait, for IAM to settle or for an outage to end, is
  # reported as failed and comes back at the time that the registrar chose. The
  # others of its batch are done.
  function_response_types = ["ReportBatchItemFailures"]

  # Not the concurrency limit of the function: messages for which there is no
  # room would count as received, and go to the dead letters some time.
  scaling_config {
    maximum_concurrency = var.maximum_concurrency
  }
}
