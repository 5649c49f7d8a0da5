// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package generate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Values in the file that only commands use, not the generated files.

// Hub returns the hub's identity: its name, account and Region.
func (g *Generator) Hub() onboarding.Hub { return g.hub }

// HubSpec returns the hub as `xacct hub create` makes it.
func (g *Generator) HubSpec() hub.Spec {
	h := g.spec.Hub
	return hub.Spec{
		DisplayName:     h.DisplayName,
		SupportURL:      h.SupportURL,
		Regions:         g.hub.Regions,
		PublisherScope:  onboarding.PublisherScope(cmp.Or(h.Publishers, string(onboarding.KnownAccounts))),
		TemplateAccess:  onboarding.TemplateAccess(cmp.Or(h.TemplateAccess, string(onboarding.TemplatesPublic))),
		ResponseTimeout: g.hub.ResponseTimeout,
		EventBus:        g.hub.EventBus,
		WebhookURL:      h.WebhookURL,
		KMSKey:          g.key,
		ConnectPage:     h.page(),
		Capacity:        int(cmp.Or(h.Capacity, hub.CustomersPerTopic)),
		Shards:          hub.Shards(int(cmp.Or(h.Capacity, hub.CustomersPerTopic))),
		Tags:            h.Tags,
	}
}

// page returns the settings of the connect page.
func (h HubSection) page() onboarding.ConnectPage {
	if h.ConnectPage == nil {
		return onboarding.ConnectPage{}
	}
	return onboarding.ConnectPage(*h.ConnectPage)
}

// connectPage checks the settings of the connect page.
func (d *decoder) connectPage(page onboarding.ConnectPage) {
	check := func(field, value string, find func(string) error) {
		if err := find(value); value != "" && err != nil {
			d.on(field, "%s", err)
		}
	}
	check("hub.connect_page.logo_url", page.LogoURL, onboarding.CheckLogoURL)
	check("hub.connect_page.color", page.Color, onboarding.CheckPageColor)
	for _, address := range page.ReturnURLs {
		check(join("hub.connect_page.return_urls", address), address, onboarding.CheckReturnURL)
	}
	if err := page.Check(); err != nil && len(d.problems) == 0 {
		d.on("hub.connect_page.return_urls", "%s", err)
	}
}

// Bucket returns the name of the template bucket that the hub's stack creates.
func (g *Generator) Bucket() string { return g.bucket() }

// defaultMaxSession is the default maximum session duration of a role, in seconds.
const defaultMaxSession = 3600

// PermissionSet returns the permission set, with the same defaults as in Terraform,
// and its name; empty if the file has no name for it.
func (g *Generator) PermissionSet() (name string, set permissionset.Set) {
	set = permissionset.Set{Role: g.spec.Role, Trust: g.spec.Trust, Choices: g.spec.Choices, Additions: g.spec.Additions}
	set.Role.Path = cmp.Or(set.Role.Path, "/")
	set.Role.MaxSessionDuration = cmp.Or(set.Role.MaxSessionDuration, defaultMaxSession)
	return g.spec.PermissionSet, set
}

// hubOptions parses the hub's options that only commands use.
func (d *decoder) hubOptions(g *Generator) {
	h := g.spec.Hub
	oneOf := func(field, value string, values []string) {
		if value != "" && !slices.Contains(values, value) {
			d.on(field, "invalid value %q: must be one of %s", value, strings.Join(values, ", "))
		}
	}
	oneOf("hub.publishers", h.Publishers, texts(onboarding.PublisherScopes()))
	oneOf("hub.template_access", h.TemplateAccess, texts(onboarding.TemplateAccesses()))
	if h.Publishers == string(onboarding.AnyAccount) && h.TemplateAccess == string(onboarding.TemplatesAccounts) {
		d.on("hub.template_access", "the customers' accounts are not known before they launch if anyone may publish, so the bucket can't name them as readers: use public or presigned")
	}
	if _, said := d.places["hub.capacity"]; said && (h.Capacity < 1 || h.Capacity > hub.MaxCapacity) {
		d.on("hub.capacity", "%d is not between 1 and %d", h.Capacity, hub.MaxCapacity)
	}
	var err error
	if h.EventBusARN != "" {
		if g.hub.EventBus, err = account.ParseEventBusARN(h.EventBusARN); err != nil {
			d.on("hub.event_bus_arn", "%s", err)
		}
	}
	if h.WebhookURL != "" {
		if err = onboarding.CheckWebhookURL(h.WebhookURL); err != nil {
			d.on("hub.webhook_url", "%s", err)
		}
	}
	if h.KMSKeyARN != "" {
		if g.key, err = account.ParseKMSKeyARN(h.KMSKeyARN); err != nil {
			d.on("hub.kms_key_arn", "%s", err)
		}
	}
	d.connectPage(h.page())
	if name := g.spec.PermissionSet; name != "" && !customerPattern.MatchString(name) {
		d.on("permission_set", "%q is not the name of a permission set: 1 to 64 letters, digits and ._-, beginning with a letter or digit", name)
	}
}

// onlyCommands returns an error if the hub has options that its CloudFormation
// template can't express.
func (g *Generator) onlyCommands() error {
	h := g.spec.Hub
	var fields []string
	for _, f := range []struct {
		name  string
		there bool
	}{
		{"publishers", h.Publishers == string(onboarding.AnyAccount)},
		{"template_access", h.TemplateAccess != "" && h.TemplateAccess != string(onboarding.TemplatesPublic)},
		{"capacity", h.Capacity > hub.CustomersPerTopic},
		{"event_bus_arn", h.EventBusARN != ""},
		{"kms_key_arn", h.KMSKeyARN != ""},
		{"tags", len(h.Tags) > 0},
	} {
		if f.there {
			fields = append(fields, "hub."+f.name)
		}
	}
	if len(fields) > 0 {
		return fmt.Errorf("the hub's CloudFormation template does not support %s: create this hub with `xacct hub create`, or with Terraform", strings.Join(fields, ", "))
	}
	return nil
}

// unknownRegions returns a line for each Region that may not exist.
func (g *Generator) unknownRegions() []string {
	var lines []string
	warn := func(field string, region account.Region) {
		if !region.IsZero() && !region.Known() {
			lines = append(lines, fmt.Sprintf("%s: Region %s did not exist in %s; if it does not exist now, the hub can't be created there", field, region, account.RegionsAsOf))
		}
	}
	warn("hub.region", g.hub.Region)
	for _, region := range g.hub.Regions {
		if region != g.hub.Region {
			warn("hub.regions", region)
		}
	}
	return lines
}

func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}
