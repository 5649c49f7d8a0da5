# A dashboard of what AWS itself knows of a hub: it needs no registrar that
# reports, and shows what is wrong when none runs.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.70"
    }
    xacct = {
      source = "xacct/xacct"
    }
  }
}

variable "hub" {
  description = "Name of the hub, as in xacct_hub.name."
  type        = string
}

data "xacct_hub" "this" {
  name = var.hub
}

locals {
  region       = data.xacct_hub.this.region
  queue        = reverse(split(":", data.xacct_hub.this.queue_arn))[0]
  dead_letters = reverse(split(":", data.xacct_hub.this.dead_letter_queue_arn))[0]
}

resource "aws_cloudwatch_dashboard" "hub" {
  dashboard_name = "xacct-${var.hub}"
  dashboard_body = jsonencode({
    widgets = [
      {
        type = "metric", x = 0, y = 0, width = 12, height = 6
        properties = {
          title   = "Age of the oldest message: a customer waits this long"
          region  = local.region
          stat    = "Maximum"
          period  = 60
          metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", local.queue]]
          annotations = {
            horizontal = [{ label = "alarm", value = 300 }]
          }
        }
      },
      {
        type = "metric", x = 12, y = 0, width = 12, height = 6
        properties = {
          title  = "Messages: sent by customers' stacks, and done"
          region = local.region
          stat   = "Sum"
          period = 300
          metrics = [
            ["AWS/SQS", "NumberOfMessagesSent", "QueueName", local.queue],
            ["AWS/SQS", "NumberOfMessagesDeleted", "QueueName", local.queue],
          ]
        }
      },
      {
        type = "metric", x = 0, y = 6, width = 12, height = 6
        properties = {
          title   = "Dead letters"
          region  = local.region
          stat    = "Maximum"
          period  = 300
          metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", local.dead_letters]]
        }
      },
      {
        type = "metric", x = 12, y = 6, width = 12, height = 6
        properties = {
          title  = "Deliveries that SNS could not make, by Region"
          region = local.region
          stat   = "Sum"
          period = 300
          metrics = [
            for region, topic in data.xacct_hub.this.topic_arns : [
              "AWS/SNS", "NumberOfNotificationsFailed", "TopicName", reverse(split(":", topic))[0], { region = region, label = region },
            ]
          ]
        }
      },
    ]
  })
}
