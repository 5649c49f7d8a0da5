# No process runs between two messages. The first schedule tells the registry that
# the function is running, so that `terraform plan` need not warn that no registrar will
# answer; the second proves the registered roles again when that is due.

locals {
  tasks = {
    beat   = "rate(2 minutes)"
    verify = "rate(1 hour)"
  }
}

resource "aws_cloudwatch_event_rule" "task" {
  for_each = local.tasks

  name                = "${local.name}-${each.key}"
  description         = "Wakes the registrar of hub ${var.hub} for its task ${each.key}"
  schedule_expression = each.value
}

resource "aws_cloudwatch_event_target" "task" {
  for_each = local.tasks

  rule  = aws_cloudwatch_event_rule.task[each.key].name
  arn   = aws_lambda_function.registrar.arn
  input = jsonencode({ task = each.key })
}

resource "aws_lambda_permission" "task" {
  for_each = local.tasks

  statement_id  = "task-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.registrar.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.task[each.key].arn
}
