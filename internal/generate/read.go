// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package generate

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// Generator generates files from one valid specification.
type Generator struct {
	spec     Specification
	hub      onboarding.Hub
	declared declaration.Declaration
	key      account.KMSKeyARN // of a hub that `xacct hub create` makes; zero: none
	template stacktemplate.Template
	link     onboarding.Link // of the customer; zero without one
}

const defaultTimeout = 15 * time.Minute

// Read reads a specification. The error is Problems: all mistakes in it, each with its
// position in the file.
func Read(file string, text []byte) (*Generator, error) {
	d := &decoder{file: file, places: map[string]place{}}
	g := &Generator{spec: d.decode(text)}
	if err := d.sorted(); err != nil {
		return nil, err // text that can't be read is not checked further
	}
	g.hub = d.hub(g.spec.Hub)
	d.hubOptions(g)
	if len(d.problems) > 0 {
		return nil, d.sorted()
	}
	g.declared = g.spec.declaration()
	specification, errs := g.declared.Specification(g.hub)
	for _, e := range slices.Concat(stacktemplate.ValidateHub(specification), errs) {
		d.onField(e)
	}
	d.names(g)
	d.customer(g)
	if err := d.sorted(); err != nil {
		return nil, err
	}
	var err error
	if g.template, err = stacktemplate.Render(specification); err != nil {
		return nil, err
	}
	g.link.TemplateParameters = g.template.LinkParameters()
	return g, d.place(g)
}

// Warnings returns one line for each Region that may not exist, and for each finding
// of a review of the role.
func (g *Generator) Warnings() []string {
	lines := g.unknownRegions()
	for _, w := range g.declared.Set().Review() {
		lines = append(lines, w.String())
	}
	return lines
}

var hubFields = permissionset.Attributes(reflect.ValueOf(HubSection{}))

// hub returns the section hub, parsed.
func (d *decoder) hub(h HubSection) onboarding.Hub {
	hub := onboarding.Hub{Name: h.Name, DisplayName: h.DisplayName, SupportURL: h.SupportURL, ResponseTimeout: defaultTimeout}
	var err error
	if hub.Account, err = account.ParseID(h.VendorAccountID); err != nil {
		d.on("hub.vendor_account_id", "%s", err)
	}
	if hub.Region, err = account.ParseRegion(h.Region); err != nil {
		d.on("hub.region", "%s", err)
	}
	for _, name := range h.Regions {
		region, err := account.ParseRegion(name)
		if err != nil {
			d.on(join("hub.regions", name), "%s", err)
			continue
		}
		hub.Regions = append(hub.Regions, region)
	}
	if len(h.Regions) == 0 {
		hub.Regions = []account.Region{hub.Region}
	}
	if h.ResponseTimeout != "" {
		if hub.ResponseTimeout, err = time.ParseDuration(h.ResponseTimeout); err != nil {
			d.on("hub.response_timeout", "%q is not a duration, such as 15m", h.ResponseTimeout)
		}
	}
	return hub
}

var (
	bucketPattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
	customerPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// names checks the names that are not part of the template.
func (d *decoder) names(g *Generator) {
	if bucket := g.spec.Hub.TemplateBucket; bucket != "" && !bucketPattern.MatchString(bucket) {
		d.on("hub.template_bucket", "%q is not the name of a bucket: 3 to 63 lower-case letters, digits and hyphens", bucket)
	}
	if err := account.CheckStackName(g.declared.StackName); err != nil && g.spec.StackName != "" {
		d.on("stack_name", "%s", err)
	}
	if g.declared.Role.Name == "" {
		return // without a customer, the role has no name
	}
	if err := account.CheckRoleName(g.declared.Role.Name); err != nil {
		d.on("role.name", "%s", err)
	}
}

// customer sets the link of the customer, if the file has one.
func (d *decoder) customer(g *Generator) {
	c := g.spec.Customer
	if c == nil {
		return
	}
	if !customerPattern.MatchString(c.ID) {
		d.on("customer.id", "%q is not a customer's ID: 1 to 64 letters, digits and ._-, beginning with a letter or digit", c.ID)
	}
	if c.AccountID != "" {
		var err error
		if g.link.Account, err = account.ParseID(c.AccountID); err != nil {
			d.on("customer.account_id", "%s", err)
		}
	}
	if _, said := d.places["customer.external_id"]; said || c.ExternalID != "" {
		var err error
		if g.link.ExternalID, err = account.ParseExternalID(c.ExternalID); err != nil {
			d.on("customer.external_id", "%s", err)
		}
	}
	if region, err := account.ParseRegion(g.declared.Region); err != nil || !slices.Contains(g.hub.Regions, region) {
		if c.Region == "" { // the hub's own Region
			d.on("hub.region", "%q is not among hub.regions, so the launch link can't open there: add it to them, or set customer.region", g.declared.Region)
		} else {
			d.on("customer.region", "invalid Region %q: must be one of the hub's Regions", g.declared.Region)
		}
	}
	if c.Shard < 0 || c.Shard > 9999 {
		d.on("customer.shard", "%d is not between 0 and 9999", c.Shard)
	}
	g.link.Hub, g.link.CustomerID = g.hub.Name, c.ID
	g.link.RoleName, g.link.RolePath = g.declared.Role.Name, g.declared.Role.Path
	g.link.Shard = int(c.Shard)
}

// place sets the address at which the template is published.
func (d *decoder) place(g *Generator) error {
	g.link.TemplateURL = cmp.Or(g.spec.TemplateURL, fmt.Sprintf("https://%s.s3.%s.%s/%s",
		g.bucket(), g.hub.Region, g.hub.Region.Partition().DNSSuffix(), g.template.ObjectKey()))
	if err := quickcreate.CheckTemplateURL(g.link.TemplateURL); err != nil {
		d.on("template_url", "%s", err)
	}
	return d.sorted()
}

func (g *Generator) bucket() string {
	return cmp.Or(g.spec.Hub.TemplateBucket, hub.StackBucketName(g.hub.Name, g.hub.Account))
}
