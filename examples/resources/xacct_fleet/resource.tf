resource "xacct_permission_set" "readonly" {
  hub                 = xacct_hub.this.id
  name                = "readonly"
  managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
}

# All customers whose accounts are known, from a file that the vendor's own
# system writes: {"globex": "222222222222", "initech": "333333333333"}
resource "xacct_fleet" "main" {
  hub            = xacct_hub.this.id
  name           = "main"
  permission_set = xacct_permission_set.readonly.id
  customers      = jsondecode(file("${path.module}/customers.json"))
}
