data "xacct_customer_roles" "active" {
  hub    = data.xacct_hub.this.id
  status = "active"
}

# Proven roles only, by customer.
output "role_arns" {
  value = data.xacct_customer_roles.active.role_arns
}
