# The launch link of one customer.
output "globex" {
  value = provider::xacct::fleet_url(xacct_fleet.main, "globex")
}

# Those of all customers: each call is handed its own customer, and not ten
# thousand.
output "launch_links" {
  value = {
    for id, account in xacct_fleet.main.customers : id => provider::xacct::fleet_url({
      url_template = xacct_fleet.main.url_template
      topics       = xacct_fleet.main.topics
      customers    = { (id) = account }
      external_ids = { (id) = xacct_fleet.main.external_ids[id] }
    }, id)
  }
}
