# The onboarding API of a hub as two Lambda functions behind function URLs: one for
# your own services, one for the page that customers see. See README.md for how to
# build the package.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.28" # invoked_via_function_url
    }
    xacct = {
      source = "xacct/xacct"
    }
  }
}

# The functions have to be in the hub's own Region and account.
data "xacct_hub" "this" {
  name = var.hub
}

data "aws_partition" "this" {}

locals {
  name = "xacct-${var.hub}-api"

  # What is open to whom: a URL has one kind of authorization.
  surfaces = {
    api     = { authorization = "AWS_IAM" }
    connect = { authorization = "NONE" }
  }

  connect_url = coalesce(var.connect_url, trimsuffix(aws_lambda_function_url.connect.function_url, "/"))
}

resource "aws_lambda_function" "api" {
  function_name = "${local.name}-api"
  description   = "Onboarding API of hub ${var.hub}"
  role          = aws_iam_role.api.arn

  # The program itself is the function: it notices that Lambda started it.
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = 512
  timeout          = 30

  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = {
      XACCT_HUB               = var.hub
      XACCT_SERVE_SURFACE     = "api"
      XACCT_SERVE_CONNECT_URL = local.connect_url
      XACCT_SERVE_IAM_CALLER  = join(" ", [for arn, scopes in var.callers : "${arn}=${scopes}"])
    }
  }

  depends_on = [aws_cloudwatch_log_group.api]
}

resource "aws_lambda_function" "connect" {
  function_name = "${local.name}-connect"
  description   = "Connect page of hub ${var.hub}"
  role          = aws_iam_role.api.arn

  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = 512
  timeout          = 30

  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = {
      XACCT_HUB           = var.hub
      XACCT_SERVE_SURFACE = "connect"
    }
  }

  depends_on = [aws_cloudwatch_log_group.api]
}

resource "aws_lambda_function_url" "api" {
  function_name      = aws_lambda_function.api.function_name
  authorization_type = local.surfaces.api.authorization
}

resource "aws_lambda_function_url" "connect" {
  function_name      = aws_lambda_function.connect.function_name
  authorization_type = local.surfaces.connect.authorization
}

resource "aws_cloudwatch_log_group" "api" {
  for_each = local.surfaces

  name              = "/aws/lambda/${local.name}-${each.key}"
  retention_in_days = var.log_retention_days
}

# A URL needs both actions, and the second one only through the URL: an event that is
# sent to the function itself may claim to be of any caller.
resource "aws_lambda_permission" "callers_url" {
  for_each = var.callers

  function_name          = aws_lambda_function.api.function_name
  action                 = "lambda:InvokeFunctionUrl"
  principal              = each.key
  function_url_auth_type = "AWS_IAM"
}

resource "aws_lambda_permission" "callers" {
  for_each = var.callers

  function_name            = aws_lambda_function.api.function_name
  action                   = "lambda:InvokeFunction"
  principal                = each.key
  invoked_via_function_url = true
}

resource "aws_lambda_permission" "customers_url" {
  function_name          = aws_lambda_function.connect.function_name
  action                 = "lambda:InvokeFunctionUrl"
  principal              = "*"
  function_url_auth_type = "NONE"
}

resource "aws_lambda_permission" "customers" {
  function_name            = aws_lambda_function.connect.function_name
  action                   = "lambda:InvokeFunction"
  principal                = "*"
  invoked_via_function_url = true
}

output "api_url" {
  description = "Where your services call the API, with signed requests."
  value       = aws_lambda_function_url.api.function_url
}

output "connect_url" {
  description = "Where customers' addresses of the connect page begin."
  value       = local.connect_url
}
