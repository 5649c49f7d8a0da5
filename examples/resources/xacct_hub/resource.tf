resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Monitoring"
  support_url  = "https://acme.example/support"

  # Regions in which customers may create their stack.
  regions = ["us-east-1", "eu-central-1"]

  tags = {
    service = "onboarding"
  }
}
