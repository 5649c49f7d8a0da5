# The link in every Region of the hub, for customers to choose from.
output "globex_links" {
  value = {
    for region in xacct_hub.this.regions :
    region => provider::xacct::quick_create_url(xacct_onboarding_link.globex.url, region)
  }
}
