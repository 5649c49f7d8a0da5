terraform {
  required_providers {
    xacct = {
      source  = "xacct/xacct"
      version = "~> 0.1"
    }
  }
}

# As with hashicorp/aws: credentials and Region come from the environment,
# shared files and profiles, or from here.
provider "xacct" {
  region = "eu-central-1"

  default_tags = {
    tags = {
      team = "integrations"
    }
  }
}
