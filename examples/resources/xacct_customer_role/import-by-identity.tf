import {
  to       = xacct_customer_role.globex
  identity = { hub = "acme", customer_id = "globex" }
}
