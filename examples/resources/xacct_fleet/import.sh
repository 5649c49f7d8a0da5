terraform import xacct_fleet.main acme/main
