import {
  to       = xacct_onboarding_link.globex
  identity = { hub = "acme", customer_id = "globex" }
}
