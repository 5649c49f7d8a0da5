# A set that the platform team's Terraform state manages.
data "xacct_permission_set" "readonly" {
  hub  = "acme"
  name = "readonly"
}

resource "xacct_onboarding_link" "globex" {
  hub            = data.xacct_permission_set.readonly.hub
  permission_set = data.xacct_permission_set.readonly.id
  customer_id    = "globex"
  account_id     = "222222222222"
}
