locals {
  # A policy of the customer's own, as the role's permissions boundary.
  boundary = "arn:aws:iam::${provider::xacct::customer_account_id()}:policy/VendorBoundary"
}
