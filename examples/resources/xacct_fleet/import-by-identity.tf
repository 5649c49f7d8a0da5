import {
  to       = xacct_fleet.main
  identity = { hub = "acme", name = "main" }
}
