variable "customers" {
  description = "Customers by ID: their AWS account, and the Region that their link opens."
  type = map(object({
    account_id = string
    region     = optional(string)
  }))
  default = {
    globex   = { account_id = "222222222222", region = "us-east-1" }
    initech  = { account_id = "333333333333", region = "eu-central-1" }
    umbrella = { account_id = "444444444444", region = "us-east-1" }
  }
}

variable "wait" {
  description = "Whether apply waits until every customer has created their stack."
  type        = bool
  default     = false
}

variable "console" {
  description = "Address of a console that is not AWS's own."
  type        = string
  default     = null
}
