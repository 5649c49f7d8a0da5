variable "hub" {
  description = "Name of the hub, as in xacct_hub.name."
  type        = string
}

variable "image" {
  description = "Image of xacct, with its version."
  type        = string
  default     = "ghcr.io/xacct/xacct:0.1.0"
}

variable "cluster_arn" {
  description = "ECS cluster that the service runs in."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the subnets."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets from which AWS can be reached: by NAT, by a public address, or by VPC endpoints of sqs, dynamodb, sts and s3."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "Whether tasks get a public address, in subnets without NAT."
  type        = bool
  default     = false
}

variable "prometheus_security_group_ids" {
  description = "Security groups that may read /metrics and /healthz."
  type        = set(string)
  default     = []
}

variable "log_retention_days" {
  description = "Days for which the log, with one line for each decision, is kept."
  type        = number
  default     = 90
}
