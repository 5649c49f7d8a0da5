output "globex_terraform" {
  value = provider::xacct::terraform_snippet(xacct_onboarding_link.globex.url)
}
