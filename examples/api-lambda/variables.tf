variable "hub" {
  description = "Name of the hub, as in xacct_hub.name."
  type        = string
}

variable "callers" {
  description = "What each of your roles and users may do, by ARN: read, write and operate, with commas between them. Of one account."
  type        = map(string)
}

variable "package" {
  description = "Path of the zip with the program in it, named bootstrap."
  type        = string
  default     = "api.zip"
}

variable "architecture" {
  description = "What the program was built for: arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "connect_url" {
  description = "Public address of the connect page, if it is not the function's own URL. It begins with https://."
  type        = string
  default     = null
}

variable "reserved_concurrency" {
  description = "Requests that each function handles at once, at most."
  type        = number
  default     = 20
}

variable "log_retention_days" {
  description = "Days for which the logs, with one line for each request, are kept."
  type        = number
  default     = 90
}
