output "links" {
  description = "What to send to each customer."
  value       = { for id, link in xacct_onboarding_link.customer : id => link.url }
}

output "role_arns" {
  description = "Roles that were proven, by customer: ready to assume with the customer's external ID."
  value       = data.xacct_customer_roles.all.role_arns
}

output "roles" {
  description = "Every customer who has launched, whatever the state of their role."
  value       = data.xacct_customer_roles.all.roles
}
