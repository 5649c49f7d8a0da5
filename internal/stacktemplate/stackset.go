// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"strings"

	cfn "github.com/awslabs/goformation/v7/cloudformation/cloudformation"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// StackSet is a template once more: launched in every account of a customer's
// organization, by the organization's own management account or by a member account
// that administers StackSets for it.
type StackSet struct {
	Name        string
	Vendor      string // as customers read it
	Region      string // one is enough: a role belongs to no Region
	TemplateURL string
	Parameters  map[string]string
}

const (
	parameterTargets = "OrganizationalUnitIds"
	parameterCallAs  = "CallAs"
)

// RenderStackSet makes a template with one service-managed StackSet. It never
// reaches the management account itself (aws-facts 8), which needs the plain
// stack.
func RenderStackSet(s StackSet) (Template, error) {
	h := &placeholders{}
	t := newDraft()
	t.Description = h.put(clipBytes(fmt.Sprintf("Connects the AWS accounts of your organization with %s: each gets a stack with one IAM role. "+
		"Create this stack in your organization's management account, or in that of a delegated administrator. The management account itself is not among them: open the launch link there.", s.Vendor), maxDescription))
	t.Parameters[parameterTargets] = parameter{
		Type:        "CommaDelimitedList",
		Description: new("Which accounts: IDs of organizational units, or of the root (r-...) for all of them."),
	}
	t.Parameters[parameterCallAs] = parameter{ // aws-facts 8.1
		Type: "String", Default: "SELF", AllowedValues: []any{"SELF", "DELEGATED_ADMIN"},
		Description: new("SELF in the management account; DELEGATED_ADMIN in a member account that administers StackSets for the organization."),
	}
	set := &cfn.StackSet{
		StackSetName:    h.put(s.Name),
		CallAs:          h.value(ref(parameterCallAs)),
		Description:     h.text("The role that " + s.Vendor + " works with"),
		PermissionModel: "SERVICE_MANAGED",
		Capabilities:    []string{"CAPABILITY_NAMED_IAM"},
		TemplateURL:     h.text(s.TemplateURL),
		// Accounts that join later are connected too, and those that leave
		// are not left with a vendor's role.
		AutoDeployment: &cfn.StackSet_AutoDeployment{
			Enabled: new(true), RetainStacksOnAccountRemoval: new(false),
		},
		// An account in which the stack fails must not keep the others waiting.
		OperationPreferences: &cfn.StackSet_OperationPreferences{
			FailureTolerancePercentage: new(100), MaxConcurrentPercentage: new(25),
		},
		StackInstancesGroup: []cfn.StackSet_StackInstances{{
			Regions:           []string{h.put(s.Region)},
			DeploymentTargets: &cfn.StackSet_DeploymentTargets{OrganizationalUnitIds: h.list(ref(parameterTargets))},
		}},
	}
	for _, name := range sortedKeys(s.Parameters) {
		value := h.put(s.Parameters[name])
		if s.Parameters[name] == "" && strings.HasPrefix(name, permissionset.InputPrefix) {
			t.Parameters[name] = parameter{
				Type: "String", Description: h.text("What is filled in here is the same for all accounts: the parameter " + name + " of their stacks."),
			}
			value = h.put(ref(name))
		}
		set.Parameters = append(set.Parameters, cfn.StackSet_Parameter{ParameterKey: name, ParameterValue: value})
	}
	t.Resources["StackSet"] = set
	return h.finish(t)
}
