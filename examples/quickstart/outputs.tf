output "links" {
  description = "What to send to each customer."
  value       = { for id, link in xacct_onboarding_link.customer : id => link.url }
}

output "role_arns" {
  description = "Roles that were proven, by customer: ready to assume with the customer's external ID."
  value       = { for id, role in xacct_customer_role.customer : id => role.role_arn if role.status == "active" }
}

output "roles" {
  description = "Every customer's role, whatever its state."
  value = [for id, role in xacct_customer_role.customer : {
    customer_id  = id
    account_id   = role.account_id
    role_arn     = role.role_arn
    status       = role.status
    stack_region = role.stack_region
  }]
}
