variable "hub" {
  description = "Name of the hub, as in xacct_hub.name."
  type        = string
}

variable "package" {
  description = "Path of the zip with the program in it, named bootstrap."
  type        = string
  default     = "registrar.zip"
}

variable "architecture" {
  description = "What the program was built for: arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "maximum_concurrency" {
  description = "Batches worked on at once, at most. Two is the least that Lambda takes."
  type        = number
  default     = 5
}

variable "verify_every" {
  description = "How often every registered role is proven again, such as 24h; 0 for never."
  type        = string
  default     = "24h"
}

variable "log_retention_days" {
  description = "Days for which the log, with one line for each decision, is kept."
  type        = number
  default     = 90
}

variable "alarm_message_age_seconds" {
  description = "Age of the oldest message, in seconds, that raises the alarm. Less than the hub's response_timeout."
  type        = number
  default     = 300
}

variable "alarm_topic_arns" {
  description = "SNS topics that hear of alarms: in the hub's Region, and in each Region of the hub for requests that SNS lost there."
  type        = list(string)
  default     = []
}
