terraform import xacct_hub.this acme
