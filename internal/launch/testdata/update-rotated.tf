# The argument region needs hashicorp/aws 6.0 or later. With an older one leave
# it out, and use a provider of that Region.
resource "aws_cloudformation_stack" "acme_access" {
  name         = "acme-access"
  region       = "eu-central-1"
  template_url = "https://xacct-acme-0011223344556677.s3.us-east-1.amazonaws.com/templates/00ff.json"
  capabilities = ["CAPABILITY_NAMED_IAM"]

  parameters = {
    CustomerName       = ""
    ExternalId         = "new-one"
    PreviousExternalId = "old-one"
    RoleName           = ""
    Shard              = "0"
  }
}
