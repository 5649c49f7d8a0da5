// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
)

// policyResource is AWS::IAM::Policy: one inline policy on several roles.
type policyResource struct{ s *Service }

type inlinePolicy struct {
	name, document string
	roles          []string
}

func readPolicy(properties map[string]any) (inlinePolicy, error) {
	p := inlinePolicy{}
	if err := onlyProperties("AWS::IAM::Policy", properties, "PolicyName", "PolicyDocument", "Roles"); err != nil {
		return p, err
	}
	var err error
	p.name, _ = properties["PolicyName"].(string)
	p.roles, err = texts(properties["Roles"], "Roles")
	switch {
	case err != nil:
		return p, err
	case p.name == "" || properties["PolicyDocument"] == nil:
		return p, errors.New("Properties validation failed: #: required keys [PolicyName, PolicyDocument] not found")
	case len(p.roles) == 0:
		return p, errors.New("At least one of [Groups,Roles,Users] must be non-empty.")
	}
	p.document = document(properties["PolicyDocument"])
	return p, nil
}

func (h policyResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	p, err := readPolicy(r.properties)
	if err != nil {
		return outcome{}, err
	}
	id := h.s.newPhysicalID(o.st, r.logicalID)
	return outcome{physicalID: id}, o.putInlinePolicy(p)
}

func (policyResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	have, err := readPolicy(r.properties)
	if err != nil {
		return outcome{}, err
	}
	want, err := readPolicy(properties)
	if err != nil {
		return outcome{}, err
	}
	if err := o.putInlinePolicy(want); err != nil {
		return outcome{}, err
	}
	return outcome{}, o.deleteInlinePolicy(have, want)
}

func (policyResource) delete(_ context.Context, o *operation, r *resource) error {
	have, err := readPolicy(r.properties)
	if err != nil {
		return err
	}
	return o.deleteInlinePolicy(have, inlinePolicy{})
}

func (policyResource) replaces(_ *resource, properties map[string]any) (bool, error) {
	_, err := readPolicy(properties)
	return false, err
}

func (o *operation) putInlinePolicy(p inlinePolicy) error {
	for _, role := range p.roles {
		params := url.Values{"RoleName": {role}, "PolicyName": {p.name}, "PolicyDocument": {p.document}}
		if err := o.iam("PutRolePolicy", params, nil); err != nil {
			return err
		}
	}
	return nil
}

// deleteInlinePolicy deletes the policy from the roles that do not have it in
// want.
func (o *operation) deleteInlinePolicy(have, want inlinePolicy) error {
	stays := map[string]bool{}
	for _, role := range want.roles {
		stays[role] = have.name == want.name
	}
	for _, role := range have.roles {
		if stays[role] {
			continue
		}
		err := o.iam("DeleteRolePolicy", url.Values{"RoleName": {role}, "PolicyName": {have.name}}, nil)
		if ignoreNoSuchEntity(err) != nil {
			return err
		}
	}
	return nil
}

// rolePolicyResource is AWS::IAM::RolePolicy: one inline policy on one role.
type rolePolicyResource struct{ s *Service }

func readRolePolicy(properties map[string]any) (inlinePolicy, error) {
	if err := onlyProperties("AWS::IAM::RolePolicy", properties, "PolicyName", "PolicyDocument", "RoleName"); err != nil {
		return inlinePolicy{}, err
	}
	name, _ := properties["PolicyName"].(string)
	role, _ := properties["RoleName"].(string)
	if name == "" || role == "" {
		return inlinePolicy{}, errors.New("Properties validation failed: #: required keys [PolicyName, RoleName] not found")
	}
	p := inlinePolicy{name: name, roles: []string{role}}
	if v, found := properties["PolicyDocument"]; found {
		p.document = document(v)
	}
	return p, nil
}

func (rolePolicyResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	p, err := readRolePolicy(r.properties)
	if err != nil {
		return outcome{}, err
	}
	return outcome{physicalID: p.name + "|" + p.roles[0]}, o.putInlinePolicy(p)
}

func (rolePolicyResource) update(_ context.Context, o *operation, _ *resource, properties map[string]any) (outcome, error) {
	p, err := readRolePolicy(properties)
	if err != nil {
		return outcome{}, err
	}
	return outcome{}, o.putInlinePolicy(p)
}

func (rolePolicyResource) delete(_ context.Context, o *operation, r *resource) error {
	p, err := readRolePolicy(r.properties)
	if err != nil {
		return err
	}
	return o.deleteInlinePolicy(p, inlinePolicy{})
}

func (rolePolicyResource) replaces(r *resource, properties map[string]any) (bool, error) {
	have, err := readRolePolicy(r.properties)
	if err != nil {
		return false, err
	}
	want, err := readRolePolicy(properties)
	if err != nil {
		return false, err
	}
	return want.name != have.name || want.roles[0] != have.roles[0], nil
}

// encodeJSON returns the JSON of a value of a template, with & and < unescaped.
// Such a value can always be encoded.
func encodeJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "null"
	}
	return strings.TrimSuffix(b.String(), "\n")
}
