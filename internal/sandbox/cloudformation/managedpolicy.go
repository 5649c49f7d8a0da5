// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
)

// managedPolicyResource is AWS::IAM::ManagedPolicy. Its physical ID is the
// policy's ARN.
type managedPolicyResource struct{ s *Service }

// managedPolicy has the values of the resource's properties.
type managedPolicy struct {
	name, path, description, document string
	roles                             []string
}

func readManagedPolicy(properties map[string]any) (managedPolicy, error) {
	p := managedPolicy{}
	if err := onlyProperties("AWS::IAM::ManagedPolicy", properties, "Description", "ManagedPolicyName", "Path", "PolicyDocument", "Roles"); err != nil {
		return p, err
	}
	if properties["PolicyDocument"] == nil {
		return p, errors.New("Properties validation failed: #: required key [PolicyDocument] not found")
	}
	p.document = document(properties["PolicyDocument"])
	for name, field := range map[string]*string{"ManagedPolicyName": &p.name, "Path": &p.path, "Description": &p.description} {
		if v, found := properties[name]; found {
			text, ok := template.Stringify(v).(string)
			if !ok {
				return p, invalidProperty(name, "string")
			}
			*field = text
		}
	}
	var err error
	p.roles, err = texts(properties["Roles"], "Roles")
	return p, err
}

func (h managedPolicyResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	want, err := readManagedPolicy(r.properties)
	if err != nil {
		return outcome{}, err
	}
	name := want.name
	if name == "" {
		name = h.s.newPhysicalID(o.st, r.logicalID)
		name = name[max(0, len(name)-128):]
	}
	params := url.Values{"PolicyName": {name}, "PolicyDocument": {want.document}}
	setIf(params, "Path", want.path)
	setIf(params, "Description", want.description)
	var created struct {
		Arn string `xml:"Policy>Arn"`
		ID  string `xml:"Policy>PolicyId"`
	}
	if err := o.iam("CreatePolicy", params, &created); err != nil {
		return outcome{}, err
	}
	result := outcome{physicalID: created.Arn, attributes: map[string]any{"PolicyArn": created.Arn, "PolicyId": created.ID}}
	return result, o.attachTo(created.Arn, nil, want.roles)
}

// update creates a new default version if the document has changed. It first
// deletes the oldest version if there are as many as IAM allows (aws-facts
// 12.9).
func (managedPolicyResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	have, err := readManagedPolicy(r.properties)
	if err != nil {
		return outcome{}, err
	}
	want, err := readManagedPolicy(properties)
	if err != nil {
		return outcome{}, err
	}
	if want.document != have.document {
		if err := o.prune(r.physicalID, 4); err != nil {
			return outcome{}, err
		}
		params := url.Values{"PolicyArn": {r.physicalID}, "PolicyDocument": {want.document}, "SetAsDefault": {"true"}}
		if err := o.iam("CreatePolicyVersion", params, nil); err != nil {
			return outcome{}, err
		}
	}
	return outcome{}, o.attachTo(r.physicalID, have.roles, want.roles)
}

func (managedPolicyResource) delete(_ context.Context, o *operation, r *resource) error {
	have, err := readManagedPolicy(r.properties)
	if err != nil {
		return err
	}
	err = o.attachTo(r.physicalID, have.roles, nil)
	if err == nil {
		err = o.prune(r.physicalID, 1)
	}
	if err == nil {
		err = o.iam("DeletePolicy", url.Values{"PolicyArn": {r.physicalID}}, nil)
	}
	return ignoreNoSuchEntity(err)
}

func (managedPolicyResource) replaces(r *resource, properties map[string]any) (bool, error) {
	have, err := readManagedPolicy(r.properties)
	if err != nil {
		return false, err
	}
	want, err := readManagedPolicy(properties)
	if err != nil {
		return false, err
	}
	changed := want.path != have.path || want.description != have.description
	if changed && want.name != "" && want.name == have.name {
		return false, fmt.Errorf("CloudFormation cannot update a stack when a custom-named resource requires replacing. "+
			"Rename %s and update the stack again.", want.name)
	}
	return changed || want.name != have.name, nil
}

// attachTo attaches a policy to the roles that are only in want, and then
// detaches it from the roles that are only in have.
func (o *operation) attachTo(arn string, have, want []string) error {
	for _, role := range want {
		if !slices.Contains(have, role) {
			if err := o.iam("AttachRolePolicy", url.Values{"RoleName": {role}, "PolicyArn": {arn}}, nil); err != nil {
				return err
			}
		}
	}
	for _, role := range have {
		if !slices.Contains(want, role) {
			if err := o.iam("DetachRolePolicy", url.Values{"RoleName": {role}, "PolicyArn": {arn}}, nil); ignoreNoSuchEntity(err) != nil {
				return err
			}
		}
	}
	return nil
}

// prune deletes a policy's oldest versions until at most keep are left. It
// never deletes the default version.
func (o *operation) prune(arn string, keep int) error {
	var listed struct {
		Versions []struct {
			VersionID        string `xml:"VersionId"`
			IsDefaultVersion bool
		} `xml:"Versions>member"`
	}
	if err := o.iam("ListPolicyVersions", url.Values{"PolicyArn": {arn}}, &listed); err != nil {
		return err
	}
	versions := listed.Versions // the newest first
	for i := len(versions) - 1; i >= 0 && len(versions) > keep; i-- {
		if versions[i].IsDefaultVersion {
			continue
		}
		params := url.Values{"PolicyArn": {arn}, "VersionId": {versions[i].VersionID}}
		if err := o.iam("DeletePolicyVersion", params, nil); ignoreNoSuchEntity(err) != nil {
			return err
		}
		versions = slices.Delete(versions, i, i+1)
	}
	return nil
}
