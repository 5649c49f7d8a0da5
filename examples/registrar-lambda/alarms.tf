# Two things that a person has to hear of.

# Somebody sent what nobody can read, or what SNS did not sign: see
# `xacct dead-letters list`.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${local.name}-dead-letters"
  alarm_description   = "Messages of hub ${var.hub} were put aside: xacct dead-letters list --hub ${var.hub}"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = reverse(split(":", data.xacct_hub.this.dead_letter_queue_arn))[0] }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

# A customer's stack waits for an answer, and fails when it has waited for the
# hub's response_timeout. Half of that is when somebody should look.
resource "aws_cloudwatch_metric_alarm" "message_age" {
  alarm_name          = "${local.name}-message-age"
  alarm_description   = "Customers of hub ${var.hub} wait for an answer: look at the function's log and at AWS's health"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = reverse(split(":", data.xacct_hub.this.queue_arn))[0] }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.alarm_message_age_seconds
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}
