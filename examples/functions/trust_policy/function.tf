output "globex_trust_policy" {
  value = provider::xacct::trust_policy(
    xacct_hub.this.account_id,
    xacct_hub.this.region,
    xacct_onboarding_link.globex.external_id,
    "arn:aws:iam::111111111111:role/acme-app",
  )
}
