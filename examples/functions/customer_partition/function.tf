locals {
  # The same policy for customers of every partition.
  rest_apis = "arn:${provider::xacct::customer_partition()}:apigateway:*::/restapis/*"
}
