resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Monitoring"
  support_url  = "https://acme.example/support"

  # Regions in which customers may create their stack.
  regions = ["us-east-1", "eu-central-1"]

  # The page of xacct serve that customers see.
  connect_page = {
    logo_url    = "https://cdn.acme.example/logo.svg"
    color       = "#5b2bd9"
    return_urls = ["https://app.acme.example/settings"]
  }

  tags = {
    service = "onboarding"
  }
}
