# Three conditions that an operator must know of.

# A message that can't be read, or that SNS did not sign: see
# `xacct dead-letters list`.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${local.name}-dead-letters"
  alarm_description   = "Messages of hub ${var.hub} are in the dead-letter queue: xacct dead-letters list --hub ${var.hub}"
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
# hub's response_timeout. The alarm comes after half of that.
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

# SNS could not deliver a customer's request to the queue, and does not try again
# if the queue's policy, or that of its key, has refused it: the request is lost,
# and the customer's stack hangs until its timeout. The metric is in the Region of
# the topic.
locals {
  topics = {
    for pair in setproduct(data.xacct_hub.this.regions, range(ceil(data.xacct_hub.this.capacity / 1500))) :
    "${pair[0]}-${pair[1]}" => { region = pair[0], name = "xacct-${var.hub}-${pair[1]}" }
  }
}

resource "aws_cloudwatch_metric_alarm" "notifications_failed" {
  for_each = local.topics

  region              = each.value.region
  alarm_name          = "${local.name}-notifications-failed-${each.key}"
  alarm_description   = "SNS lost requests of customers of hub ${var.hub} in ${each.value.region}: look at the policies of the queue ${data.xacct_hub.this.queue_arn} and of its key, and run terraform apply"
  namespace           = "AWS/SNS"
  metric_name         = "NumberOfNotificationsFailed"
  dimensions          = { TopicName = each.value.name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"

  # An alarm tells topics of its own Region only.
  alarm_actions = [for arn in var.alarm_topic_arns : arn if split(":", arn)[3] == each.value.region]
  ok_actions    = [for arn in var.alarm_topic_arns : arn if split(":", arn)[3] == each.value.region]
}
