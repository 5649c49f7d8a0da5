output "globex_command" {
  value = provider::xacct::cli_command(xacct_onboarding_link.globex.url)
}

# In another Region of the hub.
output "globex_command_frankfurt" {
  value = provider::xacct::cli_command(
    provider::xacct::quick_create_url(xacct_onboarding_link.globex.url, "eu-central-1")
  )
}
