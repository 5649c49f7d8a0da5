// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package generate

import (
	"cmp"
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// File is one generated file.
type File struct {
	Name string // with slashes, relative to the folder that the user chooses
	Body []byte
}

// Kind is one kind of output.
type Kind struct {
	Name  string
	About string // the part of a help text after "Write "
	Files func(*Generator) ([]File, error)
}

// Kinds are all kinds of output, in the order in which a vendor needs them.
var Kinds = []Kind{
	{"template", "the customer's template, in JSON and YAML", (*Generator).templateFiles},
	{"link", "the customer's launch link", (*Generator).linkFiles},
	{"stackset", "the template as a StackSet for all accounts of the customer's organization", (*Generator).stackSetFiles},
	{"module", "a Terraform module with which the customer creates the stack", (*Generator).moduleFiles},
	{"hub", "the vendor's hub as CloudFormation", (*Generator).hubFiles},
}

func (g *Generator) templateFiles() ([]File, error) { return jsonAndYAML("template", g.template) }

// jsonAndYAML returns a template as JSON and YAML.
func jsonAndYAML(name string, t stacktemplate.Template) ([]File, error) {
	text, err := t.YAML()
	if err != nil {
		return nil, err
	}
	return []File{{name + ".json", t.JSON()}, {name + ".yaml", text}}, nil
}

func (g *Generator) linkFiles() ([]File, error) {
	if err := g.needsCustomer("a launch link"); err != nil {
		return nil, err
	}
	url, err := launch.URL(g.link, g.declared, "")
	if err != nil {
		return nil, fmt.Errorf("the launch link of customer %s: %w", g.link.CustomerID, err)
	}
	return []File{{"link.txt", []byte(url + "\n")}}, nil
}

// needsCustomer returns an error if the file has no customer, for output that is made
// for one customer. The package never generates an external ID, because the registrar
// must know it, and it must be the same every time.
func (g *Generator) needsCustomer(what string) error {
	switch {
	case g.spec.Customer == nil:
		return fmt.Errorf("%s is for one customer: the specification needs customer.id and customer.external_id", what)
	case g.link.ExternalID.IsZero():
		return fmt.Errorf("%s needs the external ID of customer %s: set customer.external_id to the one that the registrar knows (`xacct customers show %s`)",
			what, g.link.CustomerID, g.link.CustomerID)
	}
	return nil
}

func (g *Generator) stackSetFiles() ([]File, error) {
	if err := g.needsCustomer("a StackSet"); err != nil {
		return nil, err
	}
	many := g.link
	many.Scope, many.Account = onboarding.ScopeOrganization, account.ID{}
	t, err := stacktemplate.RenderStackSet(stacktemplate.StackSet{
		Name:        g.declared.StackName,
		Vendor:      cmp.Or(g.hub.DisplayName, g.hub.Name),
		Region:      g.declared.Region,
		TemplateURL: g.link.TemplateURL,
		Parameters:  launch.Parameters(many),
	})
	if err != nil {
		return nil, err
	}
	return jsonAndYAML("stackset", t)
}
