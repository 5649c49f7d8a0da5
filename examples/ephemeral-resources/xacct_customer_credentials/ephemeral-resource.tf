# Work in a customer's account, with nothing of it in a plan or a state.
ephemeral "xacct_customer_credentials" "globex" {
  hub          = xacct_hub.this.id
  customer_id  = "globex"
  stack_id     = xacct_customer_role.globex.stack_id # waits for the customer
  session_name = "deploy"
  duration     = "30m"
}

provider "aws" {
  alias      = "globex"
  region     = "eu-central-1"
  access_key = ephemeral.xacct_customer_credentials.globex.access_key_id
  secret_key = ephemeral.xacct_customer_credentials.globex.secret_access_key
  token      = ephemeral.xacct_customer_credentials.globex.session_token
}
