import {
  to       = xacct_hub.this
  identity = { name = "acme" }
}
