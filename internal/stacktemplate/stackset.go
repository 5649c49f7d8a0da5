// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"strings"

	cfn "github.com/awslabs/goformation/v7/cloudformation/cloudformation"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// StackSet defines a template that launches a customer template in every account of
// the customer's organization. The organization's management account launches it, or a
// member account that is a delegated administrator of StackSets.
type StackSet struct {
	Name        string
	Vendor      string // as customers read it
	Region      string // one is enough: IAM roles are global
	TemplateURL string
	Parameters  map[string]string
}

const (
	parameterTargets = "OrganizationalUnitIds"
	parameterCallAs  = "CallAs"
)

// RenderStackSet returns a template with one service-managed StackSet. The StackSet
// doesn't create a stack in the management account itself (aws-facts 8), which has to
// launch the customer template directly.
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
		// Accounts that join the organization later are connected too, and accounts
		// that leave it don't keep the vendor's role.
		AutoDeployment: &cfn.StackSet_AutoDeployment{
			Enabled: new(true), RetainStacksOnAccountRemoval: new(false),
		},
		// The other accounts continue if the stack fails in one.
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
