locals {
  # Read access to the bucket whose name the customer types in.
  read_bucket = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "arn:aws:s3:::${provider::xacct::customer_parameter("log_bucket")}/*"
    }]
  })
}
