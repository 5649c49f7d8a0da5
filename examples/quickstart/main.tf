# A hub in two Regions, one permission set, three customers, one link and one role for each.
# Credentials and Region come from the environment, as with every AWS tool.

terraform {
  required_version = ">= 1.5"

  required_providers {
    xacct = {
      source = "xacct/xacct"
    }
  }
}

provider "xacct" {
  # Only set where the console is not AWS's own: in the sandbox.
  endpoints = var.console == null ? null : { console = var.console }
}

resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Monitoring"
  support_url  = "https://acme.example/support"
  regions      = ["us-east-1", "eu-central-1"]
}

# What every customer is asked for. A change of it reaches all links in one apply.
resource "xacct_permission_set" "readonly" {
  hub  = xacct_hub.this.id
  name = "readonly"

  role_description    = "Lets Acme Monitoring read metrics and the security configuration"
  managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]

  inline_policies = {
    metrics = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid      = "ReadMetrics"
        Effect   = "Allow"
        Action   = ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"]
        Resource = "*"
      }]
    })
  }
}

resource "xacct_onboarding_link" "customer" {
  for_each = var.customers

  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.readonly.id
  customer_id    = each.key
  account_id     = each.value.account_id
  region         = each.value.region
}

resource "xacct_customer_role" "customer" {
  for_each = var.customers

  link = xacct_onboarding_link.customer[each.key].id
  wait = var.wait
}
