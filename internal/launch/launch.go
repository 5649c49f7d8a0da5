// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package launch returns the ways in which a customer can launch the template of a
// link: as a link to the console, as an AWS CLI command, or as Terraform. All of them
// pass the same template and the same parameters to CloudFormation. The package
// publishes nothing and calls no service.
package launch

import (
	"maps"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// Of returns the quick-create link of a link's record, in the Region that it proposes.
func Of(link onboarding.Link, d declaration.Declaration) (quickcreate.Link, error) {
	region, err := account.ParseRegion(d.Region)
	if err != nil {
		return quickcreate.Link{}, err
	}
	return quickcreate.Link{
		Region:      region,
		TemplateURL: link.TemplateURL,
		StackName:   d.StackName,
		Parameters:  Parameters(link),
	}, nil
}

// URL returns the URL of the quick-create link of a link's record. console is the base
// URL of a console other than AWS's own, and usually empty.
func URL(link onboarding.Link, d declaration.Declaration, console string) (string, error) {
	l, err := Of(link, d)
	if err != nil {
		return "", err
	}
	return l.URL(console)
}

// UpdateURL returns a link to the console's update page for a registration's stack,
// with the present template filled in. It returns "" if no stack is live, or the stack
// is up to date. The console keeps the values of all parameters, so that the customer
// has to enter a new external ID there.
func UpdateURL(link onboarding.Link, r onboarding.Registration, console string) (string, error) {
	if !NeedsUpdate(link, r) {
		return "", nil
	}
	return quickcreate.UpdateURL(console, r.Stack, link.TemplateURL)
}

// NeedsUpdate reports whether the stack of a registration has another template, or
// another external ID, than the link.
func NeedsUpdate(link onboarding.Link, r onboarding.Registration) bool {
	return r.Outdated(link) || r.Rotating(link) && !r.Stack.IsZero()
}

// UpdateOf returns the same as Of for an existing stack. If the external ID changes,
// the role still accepts the one with which it is registered.
func UpdateOf(link onboarding.Link, d declaration.Declaration, r onboarding.Registration) (quickcreate.Link, error) {
	l, err := Of(link, d)
	if err != nil {
		return quickcreate.Link{}, err
	}
	l.Region, l.StackName = r.Stack.Region, r.Stack.Name
	maps.Copy(l.Parameters, rotated(link, r))
	return l, nil
}

// rotated returns the parameters that change the external ID of a stack; empty if it
// does not change.
func rotated(link onboarding.Link, r onboarding.Registration) map[string]string {
	if !r.Rotating(link) {
		return nil
	}
	values := map[string]string{stacktemplate.ParameterExternalID: link.ExternalID.String()}
	if stacktemplate.HasRotation(link.TemplateParameters) {
		values[stacktemplate.ParameterPreviousExternalID] = r.ExternalID.String()
	}
	return values
}

// isUnfilled reports whether the customer has to fill in a parameter of a link: the link has
// the parameter, but no value for it.
func isUnfilled(name, value string) bool {
	return value == "" && strings.HasPrefix(name, permissionset.InputPrefix)
}

// withPlaceholders returns parameters with a placeholder in braces for each value that the
// customer has to fill in. The template refuses braces, so that a placeholder that was
// left in creates nothing.
func withPlaceholders(values map[string]string) map[string]string {
	filled := maps.Clone(values)
	for name, value := range values {
		if isUnfilled(name, value) {
			filled[name] = "{" + strings.TrimPrefix(name, permissionset.InputPrefix) + "}"
		}
	}
	return filled
}

// Parameters returns the parameters that are in a link rather than in its template. It
// returns only parameters that the link's template has.
func Parameters(link onboarding.Link) map[string]string {
	values := baseParameters(link)
	maps.Copy(values, addedParameters(link))
	return values
}

// baseParameters returns the parameters that every template has.
func baseParameters(link onboarding.Link) map[string]string {
	return map[string]string{
		stacktemplate.ParameterExternalID:   link.ExternalID.String(),
		stacktemplate.ParameterCustomerName: link.CustomerID,
		stacktemplate.ParameterRoleName:     link.RoleName,
		stacktemplate.ParameterShard:        strconv.Itoa(link.Shard),
	}
}

// addedParameters returns the parameters that templates of earlier releases do not have.
func addedParameters(link onboarding.Link) map[string]string {
	values := map[string]string{}
	for _, name := range link.TemplateParameters {
		if strings.HasPrefix(name, permissionset.InputPrefix) {
			values[name] = "" // for the customer to fill in
		}
		if name == stacktemplate.ParameterExpectedAccountID && link.Scope == onboarding.ScopeAccount && !link.Account.IsZero() {
			values[name] = link.Account.String()
		}
	}
	return values
}
