// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// stackSetResource is AWS::CloudFormation::StackSet: a StackSet that belongs to
// a stack of the management account. It can be created and deleted, but not
// changed. Its properties are the parameters of the API's calls.
type stackSetResource struct{ s *Service }

const (
	instanceGroups = "StackInstancesGroup"
	preferencesOf  = "OperationPreferences"
	callAs         = "CallAs"
)

// flatten adds a property to params in the form of the query protocol:
// "Regions.member.1", "AutoDeployment.Enabled".
func flatten(params url.Values, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for field, inner := range v {
			flatten(params, name+"."+field, inner)
		}
	case []any:
		for i, inner := range v {
			flatten(params, name+".member."+strconv.Itoa(i+1), inner)
		}
	default:
		params.Set(name, fmt.Sprint(v))
	}
}

func (h stackSetResource) create(ctx context.Context, o *operation, r *resource) (outcome, error) {
	properties := stringProperties(r.properties)
	params := url.Values{}
	for name, v := range properties {
		if name != instanceGroups && name != preferencesOf {
			flatten(params, name, v)
		}
	}
	var created struct {
		ID string `xml:"StackSetId"`
	}
	if err := h.call(o, "CreateStackSet", params, &created); err != nil {
		return outcome{}, err
	}
	result := outcome{physicalID: created.ID, attributes: map[string]any{"StackSetId": created.ID}}
	return result, h.eachGroup(ctx, o, "CreateStackInstances", created.ID, properties, nil)
}

func (h stackSetResource) delete(ctx context.Context, o *operation, r *resource) error {
	if err := h.eachGroup(ctx, o, "DeleteStackInstances", r.physicalID, stringProperties(r.properties), url.Values{"RetainStacks": {"false"}}); err != nil {
		return err
	}
	return h.call(o, "DeleteStackSet", callingAs(stringProperties(r.properties), url.Values{"StackSetName": {r.physicalID}}), nil)
}

// callingAs returns params with the property CallAs, if the resource has it:
// see ownerOfSets.
func callingAs(properties map[string]any, params url.Values) url.Values {
	if as, given := properties[callAs].(string); given {
		params.Set(callAs, as)
	}
	return params
}

// eachGroup calls an action for one group of instances after the other, and
// waits for each operation. It returns an error if one does not succeed.
func (h stackSetResource) eachGroup(ctx context.Context, o *operation, action, id string, properties map[string]any, more url.Values) error {
	groups, _ := properties[instanceGroups].([]any)
	for _, group := range groups {
		fields, ok := group.(map[string]any)
		if !ok {
			return invalidProperty(instanceGroups, "list of objects")
		}
		params := callingAs(properties, url.Values{"StackSetName": {id}})
		for name, values := range more {
			params[name] = values
		}
		for name, v := range fields {
			flatten(params, name, v)
		}
		if v, given := properties[preferencesOf]; given {
			flatten(params, preferencesOf, v)
		}
		var begun struct {
			ID string `xml:"OperationId"`
		}
		if err := h.call(o, action, params, &begun); err != nil {
			return err
		}
		set, err := h.s.WaitForSet(ctx, id, StackSet.Settled)
		if err != nil {
			return errCancelled
		}
		for _, done := range set.Operations {
			if done.ID == begun.ID && done.Status != "SUCCEEDED" {
				return fmt.Errorf("Resource handler returned message: \"Operation %s of the StackSet %s ended in %s\" (HandlerErrorCode: NotStabilized)", done.ID, set.Name, done.Status)
			}
		}
	}
	return nil
}

func (h stackSetResource) call(o *operation, action string, params url.Values, out any) error {
	return kernel.CallQuery(o.s.ctx, h.s.env.Inside, o.principal, o.st.region, "cloudformation", action, params, out)
}

var errStackSetChange = errors.New("The sandbox's CloudFormation does not implement changes of an AWS::CloudFormation::StackSet resource")

func (stackSetResource) update(context.Context, *operation, *resource, map[string]any) (outcome, error) {
	return outcome{}, errStackSetChange
}

func (stackSetResource) replaces(*resource, map[string]any) (bool, error) {
	return false, errStackSetChange
}

var _ handler = stackSetResource{}
