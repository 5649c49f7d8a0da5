// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// action is one operation of the API: the method that serves it, and the
// parameters that it accepts. Any other parameter is refused, because ignoring
// an option (such as a stack policy) would change what is tested.
type action struct {
	serve      func(*Service, *kernel.Call, kernel.Query) (any, error)
	parameters []string
}

var actions map[string]action

func init() { // the table refers to functions that refer to the table
	actions = map[string]action{
		"CreateStack": {(*Service).createStack, []string{
			"StackName", "TemplateBody", "TemplateURL", "Parameters", "Capabilities", "Tags",
			"DisableRollback", "OnFailure", "RoleARN", "ClientRequestToken",
		}},
		"UpdateStack": {(*Service).updateStack, []string{
			"StackName", "TemplateBody", "TemplateURL", "UsePreviousTemplate", "Parameters", "Capabilities", "Tags",
			"RoleARN", "ClientRequestToken",
		}},
		"DeleteStack":            {(*Service).deleteStack, []string{"StackName", "RetainResources", "DeletionMode", "RoleARN", "ClientRequestToken"}},
		"DescribeStacks":         {(*Service).describeStacks, []string{"StackName", "NextToken"}},
		"DescribeStackEvents":    {(*Service).describeStackEvents, []string{"StackName", "NextToken"}},
		"DescribeStackResource":  {(*Service).describeStackResource, []string{"StackName", "LogicalResourceId"}},
		"DescribeStackResources": {(*Service).describeStackResources, []string{"StackName", "LogicalResourceId"}},
		"ListStackResources":     {(*Service).listStackResources, []string{"StackName", "NextToken"}},
		"ListStacks":             {(*Service).listStacks, []string{"StackStatusFilter", "NextToken"}},
		"GetTemplate":            {(*Service).getTemplate, []string{"StackName", "TemplateStage"}},
		"ValidateTemplate":       {(*Service).validateTemplate, []string{"TemplateBody", "TemplateURL"}},
		"GetTemplateSummary":     {(*Service).getTemplateSummary, []string{"TemplateBody", "TemplateURL", "StackName", "StackSetName", "CallAs"}},

		"CreateStackSet": {(*Service).createStackSet, []string{
			"StackSetName", "Description", "TemplateBody", "TemplateURL", "Parameters", "Capabilities", "Tags",
			"PermissionModel", "AutoDeployment", "CallAs", "ClientRequestToken",
		}},
		"UpdateStackSet": {(*Service).updateStackSet, []string{
			"StackSetName", "Description", "TemplateBody", "TemplateURL", "UsePreviousTemplate", "Parameters", "Capabilities", "Tags",
			"OperationPreferences", "DeploymentTargets", "Regions", "PermissionModel", "AutoDeployment", "OperationId", "CallAs",
		}},
		"DeleteStackSet":               {(*Service).deleteStackSet, []string{"StackSetName", "CallAs"}},
		"DescribeStackSet":             {(*Service).describeStackSet, []string{"StackSetName", "CallAs"}},
		"ListStackSets":                {(*Service).listStackSets, []string{"Status", "NextToken", "MaxResults", "CallAs"}},
		"CreateStackInstances":         {(*Service).createStackInstances, []string{"StackSetName", "DeploymentTargets", "Regions", "OperationPreferences", "OperationId", "CallAs"}},
		"DeleteStackInstances":         {(*Service).deleteStackInstances, []string{"StackSetName", "DeploymentTargets", "Regions", "OperationPreferences", "RetainStacks", "OperationId", "CallAs"}},
		"ListStackInstances":           {(*Service).listStackInstances, []string{"StackSetName", "StackInstanceAccount", "StackInstanceRegion", "Filters", "NextToken", "MaxResults", "CallAs"}},
		"DescribeStackInstance":        {(*Service).describeStackInstance, []string{"StackSetName", "StackInstanceAccount", "StackInstanceRegion", "CallAs"}},
		"DescribeStackSetOperation":    {(*Service).describeStackSetOperation, []string{"StackSetName", "OperationId", "CallAs"}},
		"ListStackSetOperations":       {(*Service).listStackSetOperations, []string{"StackSetName", "NextToken", "MaxResults", "CallAs"}},
		"ListStackSetOperationResults": {(*Service).listStackSetOperationResults, []string{"StackSetName", "OperationId", "NextToken", "MaxResults", "CallAs"}},
	}
}

func onlyKnown(name string, q kernel.Query, known []string) error {
	for key := range q {
		parameter, _, _ := strings.Cut(key, ".")
		if parameter == "Action" || parameter == "Version" || slices.Contains(known, parameter) {
			continue
		}
		return validation("The sandbox's CloudFormation does not implement the parameter %s of %s", parameter, name)
	}
	return nil
}

// allowed returns an error if the caller may not call c.Action on a resource.
// The resource is an ARN, which has a wildcard if no stack was found by its
// name or if the action is about all stacks.
func (s *Service) allowed(c *kernel.Call, resource string) error {
	return s.env.Authorizer.Authorize(kernel.Authorization{
		Principal: c.Principal, Action: "cloudformation:" + c.Action,
		Resource: resource, ResourceAccount: c.Principal.Account,
	})
}

func stackARN(c *kernel.Call, rest string) string {
	return "arn:" + kernel.Partition(c.Region) + ":cloudformation:" + c.Region + ":" + c.Principal.Account + ":stack/" + rest
}

// findAllowed returns a stack of the caller's account and Region by its name or
// ID. It returns an error if the caller may not call c.Action on the stack, or
// if there is no such stack.
func (s *Service) findAllowed(c *kernel.Call, nameOrID string) (*stack, error) {
	if nameOrID == "" {
		return nil, validation("1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be null")
	}
	s.mu.Lock()
	st, err := s.find(c.Principal.Account, c.Region, nameOrID)
	s.mu.Unlock()
	resource := stackARN(c, nameOrID+"/*")
	if err == nil {
		resource = st.id
	}
	if err := s.allowed(c, resource); err != nil {
		return nil, err
	}
	return st, err
}

// queryParameters reads Parameters.member.N. It returns the given values by
// parameter name, and the names of the parameters that keep their previous
// values.
func queryParameters(q kernel.Query) (values map[string]string, previous []string, err error) {
	values = map[string]string{}
	for _, p := range q.Structs("Parameters") {
		name := p.Get("ParameterKey")
		switch {
		case p.Get("UsePreviousValue") == "true" && p.Has("ParameterValue"):
			return nil, nil, validation("Invalid input for parameter key %s. Cannot specify usePreviousValue as true and non empty value for a parameter", name)
		case p.Get("UsePreviousValue") == "true":
			previous = append(previous, name)
		default:
			values[name] = p.Get("ParameterValue")
		}
	}
	return values, previous, nil
}

// checkTags returns an error if the tags of a stack or StackSet exceed AWS's
// limits.
func checkTags(q kernel.Query) error {
	tags := q.Structs("Tags")
	if len(tags) > 50 {
		return validation("1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50")
	}
	for _, t := range tags {
		key, value := t.Get("Key"), t.Get("Value")
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128:
			return validation("1 validation error detected: Value '%s' at 'tags.1.member.key' failed to satisfy constraint: Member must have a length between 1 and 128", key)
		case utf8.RuneCountInString(value) > 256:
			return validation("1 validation error detected: Value '%s' at 'tags.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 256", value)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return validation("aws: prefixed tag key names are not allowed for external use.")
		}
	}
	return nil
}

func queryTags(q kernel.Query) map[string]string {
	tags := map[string]string{}
	for _, t := range q.Structs("Tags") {
		tags[t.Get("Key")] = t.Get("Value")
	}
	return tags
}
