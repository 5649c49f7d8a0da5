import {
  to       = xacct_permission_set.readonly
  identity = { hub = "acme", name = "readonly" }
}
