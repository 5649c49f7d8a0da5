# terraform apply -invoke=action.xacct_unblock_customer.globex
action "xacct_unblock_customer" "globex" {
  config {
    hub         = "acme"
    customer_id = "globex"
  }
}
