# What your own module makes of a hub and a customer, without AWS and without a
# sandbox: the provider's answers are those of the mock.

mock_provider "xacct" {
  source = "./mocks"
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
