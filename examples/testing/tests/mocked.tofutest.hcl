# The same for OpenTofu, which reads this file instead of mocked.tftest.hcl. It knows no
# mocks in files of their own, so the mock is written out here, without what a
# configuration may say itself: OpenTofu refuses to mock that.

mock_provider "xacct" {
  mock_resource "xacct_hub" {
    defaults = {
      id                    = "acme"
      account_id            = "111111111111"
      region                = "us-east-1"
      table_name            = "xacct-acme"
      template_bucket       = "xacct-acme-templates-111111111111-us-east-1-an"
      queue_url             = "https://sqs.us-east-1.amazonaws.com/111111111111/xacct-acme"
      queue_arn             = "arn:aws:sqs:us-east-1:111111111111:xacct-acme"
      dead_letter_queue_arn = "arn:aws:sqs:us-east-1:111111111111:xacct-acme-dead-letters"
      topic_arns            = { "us-east-1" = "arn:aws:sns:us-east-1:111111111111:xacct-acme" }
      tags_all              = {}
      drift                 = []
      incarnation           = "mock"
    }
  }

  mock_resource "xacct_permission_set" {
    defaults = {
      id               = "acme/readonly"
      template_version = "0123456789abcdef"
      template_url     = "https://xacct-acme-templates-111111111111-us-east-1-an.s3.us-east-1.amazonaws.com/mock.json"
      incarnation      = "mock"
    }
  }

  mock_resource "xacct_fleet" {
    defaults = {
      id           = "acme/main"
      external_ids = {}
      topics       = {}
      url_template = "https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1#/stacks/create/review?stackName=acme-access"
      incarnation  = "mock"
    }
  }

  mock_resource "xacct_onboarding_link" {
    defaults = {
      id               = "acme/globex"
      url              = "https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1#/stacks/create/review?stackName=acme-access"
      template_url     = "https://xacct-acme-templates-111111111111-us-east-1-an.s3.us-east-1.amazonaws.com/mock.json"
      template_version = "0123456789abcdef"
      status           = "open"
      incarnation      = "mock"
    }
  }

  mock_resource "xacct_customer_role" {
    defaults = {
      role_arn             = "arn:aws:iam::222222222222:role/acme-globex"
      account_id           = "222222222222"
      external_id          = "mock-external-id-of-a-customer"
      stack_id             = "arn:aws:cloudformation:us-east-1:222222222222:stack/acme-access/11111111-2222-3333-4444-555555555555"
      stack_region         = "us-east-1"
      granted_permissions  = []
      parameters           = {}
      additional_role_arns = {}
      accounts             = {}
      account_confirmed    = true
      outdated             = false
      status               = "active"
      template_version     = "0123456789abcdef"
      registered_at        = "2026-01-31T12:00:00Z"
      proven_at            = "2026-01-31T12:00:00Z"
    }
  }

  mock_data "xacct_hub" {
    defaults = {
      id              = "acme"
      display_name    = "Acme"
      account_id      = "111111111111"
      region          = "us-east-1"
      regions         = ["us-east-1"]
      publishers      = "known_accounts"
      template_access = "public"
      queue_arn       = "arn:aws:sqs:us-east-1:111111111111:xacct-acme"
    }
  }

  mock_data "xacct_permission_set" {
    defaults = {
      id = "acme/readonly"
    }
  }

  mock_data "xacct_customer_role" {
    defaults = {
      role_arn          = "arn:aws:iam::222222222222:role/acme-globex"
      account_id        = "222222222222"
      external_id       = "mock-external-id-of-a-customer"
      account_confirmed = true
      outdated          = false
      status            = "active"
    }
  }

  mock_data "xacct_customer_roles" {
    defaults = {
      truncated            = false
      role_arns            = { globex = "arn:aws:iam::222222222222:role/acme-globex" }
      additional_role_arns = {}
    }
  }

  mock_data "xacct_stack_template" {
    defaults = {
      json = "{}"
      yaml = "{}"
    }
  }
}

run "a_customer_is_connected" {
  assert {
    condition     = output.status == "active"
    error_message = "the module says that the role is ${output.status}"
  }

  assert {
    condition     = startswith(output.link, "https://")
    error_message = "the module's link is ${output.link}"
  }
}

run "a_customer_who_has_not_launched_yet" {
  plan_options {
    replace = [xacct_customer_role.globex] # the run before has left it in the state
  }

  override_resource {
    target = xacct_customer_role.globex
    values = { # all that the module reads: the mock's other values don't count here
      status     = "pending"
      role_arn   = "arn:aws:iam::222222222222:role/acme-globex"
      account_id = "222222222222"
    }
  }

  assert {
    condition     = output.status == "pending"
    error_message = "the module says that the role is ${output.status}"
  }
}
