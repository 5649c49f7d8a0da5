terraform import xacct_customer_role.globex acme/globex
