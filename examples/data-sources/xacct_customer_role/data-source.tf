data "xacct_customer_role" "globex" {
  hub         = data.xacct_hub.this.id
  customer_id = "globex"
}
