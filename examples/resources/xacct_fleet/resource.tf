resource "xacct_permission_set" "readonly" {
  hub                 = xacct_hub.this.id
  name                = "readonly"
  managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
}

variable "customers" {
  type        = map(string)
  description = "Accounts by customer, as the vendor's own system knows them: globex = 222222222222, …"
}

resource "xacct_fleet" "main" {
  hub            = xacct_hub.this.id
  name           = "main"
  permission_set = xacct_permission_set.readonly.id
  customers      = var.customers
}
