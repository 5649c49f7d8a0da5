# A customer's role from before there was a hub is registered as soon as it has a link.
resource "xacct_onboarding_link" "globex" {
  hub         = "acme"
  customer_id = "globex"
  account_id  = "222222222222"
  external_id = "as-agreed-by-mail-in-2019"
  role        = { managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] }

  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.xacct_adopt_role.globex]
    }
  }
}

action "xacct_adopt_role" "globex" {
  config {
    hub         = "acme"
    customer_id = "globex"
    role_arn    = "arn:aws:iam::222222222222:role/made-by-hand"
  }
}
