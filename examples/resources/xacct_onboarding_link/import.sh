terraform import xacct_onboarding_link.globex acme/globex
