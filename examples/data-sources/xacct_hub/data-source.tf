# A hub that another state manages.
data "xacct_hub" "this" {
  name = "acme"
}
