// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/awslabs/goformation/v7/cloudformation/iam"
	"github.com/awslabs/goformation/v7/cloudformation/tags"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// build returns the sections of the template of a valid specification.
func build(s Specification) (sections, error) {
	h := &placeholders{}
	version := Version(s)
	role, err := roleResource(s, ref(ParameterRoleName), "", h)
	if err != nil {
		return sections{}, err
	}
	t := newDraft()
	t.Description = h.put(description(s))
	t.Metadata["AWS::CloudFormation::Interface"] = consoleInterface(s, h)
	t.Parameters = parameters(s, h)
	t.Mappings = topicMappings(s, h)
	t.Conditions = switchConditions(s)
	t.Resources[RoleLogicalID] = role
	if err := addManagedPolicies(t.Resources, s, "", h); err != nil {
		return sections{}, err
	}
	if err := addAdditionalRoles(t.Resources, s, h); err != nil {
		return sections{}, err
	}
	if t.Resources[PhoneHomeLogicalID], err = phoneHome(s, version, h); err != nil {
		return sections{}, err
	}
	t.Outputs = outputs(s, version, h)

	tree, err := h.render(t)
	if err != nil {
		return sections{}, err
	}
	resources := tree["Resources"].(map[string]any)
	if err := addOptionalInline(resources, s); err != nil {
		return sections{}, err
	}
	if err := addResources(resources, s); err != nil {
		return sections{}, err
	}
	return sections{
		AWSTemplateFormatVersion: tree["AWSTemplateFormatVersion"],
		Description:              tree["Description"],
		Metadata:                 tree["Metadata"],
		Parameters:               tree["Parameters"],
		Rules:                    rules(s),
		Mappings:                 tree["Mappings"],
		Conditions:               tree["Conditions"],
		Resources:                tree["Resources"],
		Outputs:                  tree["Outputs"],
	}, nil
}

// addOptionalInline adds the conditional elements to the role's list of inline
// policies, which goformation's type can't represent.
func addOptionalInline(resources map[string]any, s Specification) error {
	policies, err := optionalInline(s)
	if err != nil || len(policies) == 0 {
		return err
	}
	role := resources[RoleLogicalID].(map[string]any)["Properties"].(map[string]any)
	always, _ := role["Policies"].([]any)
	role["Policies"] = append(always, policies...)
	return nil
}

// roleResource returns the role of a set. The policies that the stack creates for it
// are separate resources, whose names begin with prefix.
func roleResource(s Specification, name function, prefix string, h *placeholders) (*iam.Role, error) {
	trust, err := trustDocument(s)
	if err != nil {
		return nil, err
	}
	role := &iam.Role{
		RoleName:                 h.value(name),
		AssumeRolePolicyDocument: h.put(trust),
		Path:                     path(s, h, rolePath(s)),
		Description:              h.optional(s.Role.Description),
		PermissionsBoundary:      boundary(s, h),
	}
	for _, arn := range sortedSet(s.Role.ManagedPolicyARNs) {
		role.ManagedPolicyArns = append(role.ManagedPolicyArns, h.put(filled(arn)))
	}
	for _, function := range attachments(s, prefix) {
		role.ManagedPolicyArns = append(role.ManagedPolicyArns, h.put(function))
	}
	for _, name := range sortedKeys(s.Role.InlinePolicies) {
		policy, err := document(s.Role.InlinePolicies[name])
		if err != nil {
			return nil, fmt.Errorf("inline policy %q: %w", name, err)
		}
		role.Policies = append(role.Policies, iam.Role_Policy{PolicyName: h.put(name), PolicyDocument: h.put(policy)})
	}
	if s.Role.MaxSessionDuration != 0 {
		role.MaxSessionDuration = new(int(s.Role.MaxSessionDuration))
	}
	for _, key := range sortedKeys(s.Role.Tags) {
		role.Tags = append(role.Tags, tags.Tag{Key: h.put(key), Value: h.put(s.Role.Tags[key])})
	}
	return role, nil
}

func rolePath(s Specification) string { return cmp.Or(s.Role.Path, "/") }

// trustDocument returns the trust policy with a reference to the stack's external ID.
func trustDocument(s Specification) (any, error) {
	inner := &placeholders{}
	externalID := inner.put(acceptedExternalIDs())
	trust := s.Trust.Policy(s.Vendor, s.Partition).Document(externalID)
	tree, err := permissionset.Decode([]byte(trust.String()))
	if err != nil {
		return nil, fmt.Errorf("the trust policy: %w", err)
	}
	return inner.fill(tree), nil
}

// phoneHome returns the custom resource that reports to the vendor when the role is
// created, changed or deleted. It refers to the role, so CloudFormation creates it
// after the role and deletes it before.
func phoneHome(s Specification, version string, h *placeholders) (*customResource, error) {
	properties := map[string]any{
		"ServiceToken":   serviceToken(),
		"ServiceTimeout": int(s.ResponseTimeout / time.Second),
		"Hub":            h.put(s.Hub),
		"ExternalId":     ref(ParameterExternalID),
		// Omitted from all stacks except those whose external ID changes.
		"PreviousExternalId": when(rotationCondition, ref(ParameterPreviousExternalID)),
		"RoleArn":            getAtt(RoleLogicalID, "Arn"),
		// CloudFormation sends no request for an update that changes no property
		// (aws-facts 1.11).
		"TemplateVersion": h.put(version),
	}
	if len(s.OptionalPermissions) > 0 {
		properties["GrantedPermissions"] = grantedPermissions(s)
	}
	if arns := additionalARNs(s); len(arns) > 0 {
		properties["AdditionalRoleArns"] = arns
	}
	if values := reported(s); len(values) > 0 {
		properties["Parameters"] = values
	}
	values, err := outputValues(s)
	if err != nil {
		return nil, err
	}
	if len(values) > 0 {
		properties["Reported"] = h.put(values)
	}
	return &customResource{Type: PhoneHomeType, Properties: properties, DependsOn: notReported(s, values)}, nil
}

func outputs(s Specification, version string, h *placeholders) outputMap {
	out := outputMap{
		"RoleArn": {
			Description: h.text("The role that " + s.vendorName() + " may assume"),
			Value:       getAtt(RoleLogicalID, "Arn"),
		},
		"ExternalId": {
			Description: new("The external ID that the role demands"),
			Value:       ref(ParameterExternalID),
		},
		"CustomerName": {
			Description: h.text("What " + s.vendorName() + " calls this connection"),
			Value:       ref(ParameterCustomerName),
		},
		"VendorAccountId": {
			Description: h.text("The AWS account of " + s.vendorName()),
			Value:       h.put(s.Vendor.String()),
		},
		"TemplateVersion": {
			Description: new("The version of the role's permissions"),
			Value:       h.put(version),
		},
	}
	if others := sortedSet(s.TrustedAccountIDs); len(others) > 0 {
		out["TrustedAccountIds"] = output{
			Description: h.text("Other AWS accounts of " + s.vendorName() + " that may assume the role"),
			Value:       h.put(strings.Join(others, ",")),
		}
	}
	addAdditionalOutputs(out, s, h)
	if s.SupportURL != "" {
		out["SupportUrl"] = output{
			Description: new("Where to ask about this connection"),
			Value:       h.put(s.SupportURL),
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// sortedSet returns a sorted copy of list without duplicates.
func sortedSet(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
