# terraform apply -invoke=action.xacct_block_customer.globex
action "xacct_block_customer" "globex" {
  config {
    hub         = "acme"
    customer_id = "globex"
    reason      = "floods the queue, ticket 4711"
  }
}
