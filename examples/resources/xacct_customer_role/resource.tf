resource "xacct_customer_role" "globex" {
  link = xacct_onboarding_link.globex.id

  # Apply waits until the customer has created the stack, and answers it.
  wait = true

  timeouts = {
    create = "2h"
  }
}

output "globex_role_arn" {
  value = xacct_customer_role.globex.role_arn
}
