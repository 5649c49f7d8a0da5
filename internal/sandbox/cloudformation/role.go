// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// roleResource is AWS::IAM::Role. Its physical ID is the role's name.
type roleResource struct{ s *Service }

var roleProperties = []string{
	"AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "MaxSessionDuration",
	"Path", "PermissionsBoundary", "Policies", "RoleName", "Tags",
}

// role has the values of the resource's properties.
type role struct {
	name, path, description, trust string
	boundary, maxSession           string
	managed                        []string
	inline                         map[string]string // by policy name
	tags                           map[string]string
}

func readRole(properties map[string]any, stackTags map[string]string) (role, error) {
	if err := onlyProperties("AWS::IAM::Role", properties, roleProperties...); err != nil {
		return role{}, err
	}
	p := template.Stringify(properties).(map[string]any)
	r := role{inline: map[string]string{}, tags: maps.Clone(stackTags)}
	if r.tags == nil {
		r.tags = map[string]string{}
	}
	for name, field := range map[string]*string{
		"RoleName": &r.name, "Path": &r.path, "Description": &r.description,
		"PermissionsBoundary": &r.boundary, "MaxSessionDuration": &r.maxSession,
	} {
		if v, found := p[name]; found {
			text, ok := v.(string)
			if !ok {
				return r, invalidProperty(name, "string")
			}
			*field = text
		}
	}
	trust, found := properties["AssumeRolePolicyDocument"]
	if !found {
		return r, errors.New("Properties validation failed: #: required key [AssumeRolePolicyDocument] not found")
	}
	r.trust = document(trust)
	managed, err := texts(p["ManagedPolicyArns"], "ManagedPolicyArns")
	if err != nil {
		return r, err
	}
	r.managed = managed
	if err := r.readPolicies(properties["Policies"]); err != nil {
		return r, err
	}
	return r, r.readTags(p["Tags"])
}

func (r *role) readPolicies(v any) error {
	list, ok := v.([]any)
	if v != nil && !ok {
		return invalidProperty("Policies", "list")
	}
	for _, e := range list {
		m, _ := e.(map[string]any)
		name, _ := m["PolicyName"].(string)
		if name == "" || m["PolicyDocument"] == nil {
			return invalidProperty("Policies", "list of PolicyName and PolicyDocument")
		}
		r.inline[name] = document(m["PolicyDocument"])
	}
	return nil
}

func (r *role) readTags(v any) error {
	list, ok := v.([]any)
	if v != nil && !ok {
		return invalidProperty("Tags", "list")
	}
	for _, e := range list {
		m, _ := e.(map[string]any)
		key, _ := m["Key"].(string)
		value, isText := m["Value"].(string)
		if key == "" || !isText {
			return invalidProperty("Tags", "list of Key and Value")
		}
		r.tags[key] = value
	}
	return nil
}

func (h roleResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	want, err := readRole(r.properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	if want.name == "" {
		want.name = h.s.newPhysicalID(o.st, r.logicalID)
		want.name = want.name[max(0, len(want.name)-64):]
	}
	params := url.Values{"RoleName": {want.name}, "AssumeRolePolicyDocument": {want.trust}}
	setIf(params, "Path", want.path)
	setIf(params, "Description", want.description)
	setIf(params, "MaxSessionDuration", want.maxSession)
	setIf(params, "PermissionsBoundary", want.boundary)
	addTags(params, want.tags)
	var created struct {
		Arn    string `xml:"Role>Arn"`
		RoleID string `xml:"Role>RoleId"`
	}
	if err := o.iam("CreateRole", params, &created); err != nil {
		return outcome{}, err
	}
	result := outcome{physicalID: want.name, attributes: map[string]any{"Arn": created.Arn, "RoleId": created.RoleID}}
	return result, o.changePolicies(want.name, role{}, want)
}

func (h roleResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	have, err := readRole(r.properties, nil)
	if err != nil {
		return outcome{}, err
	}
	want, err := readRole(properties, nil)
	if err != nil {
		return outcome{}, err
	}
	name := r.physicalID
	if want.trust != have.trust {
		if err := o.iam("UpdateAssumeRolePolicy", url.Values{"RoleName": {name}, "PolicyDocument": {want.trust}}, nil); err != nil {
			return outcome{}, err
		}
	}
	if want.description != have.description || want.maxSession != have.maxSession {
		params := url.Values{"RoleName": {name}, "Description": {want.description}, "MaxSessionDuration": {"3600"}}
		setIf(params, "MaxSessionDuration", want.maxSession)
		if err := o.iam("UpdateRole", params, nil); err != nil {
			return outcome{}, err
		}
	}
	if err := o.changeBoundary(name, have.boundary, want.boundary); err != nil {
		return outcome{}, err
	}
	if err := o.changeTags(name, have.tags, want.tags); err != nil {
		return outcome{}, err
	}
	return outcome{}, o.changePolicies(name, have, want)
}

// delete removes the policies that the template gave to the role, and deletes
// it. IAM refuses that if the role has other policies, as on AWS.
func (h roleResource) delete(_ context.Context, o *operation, r *resource) error {
	have, err := readRole(r.properties, nil)
	if err != nil {
		return err
	}
	err = o.changePolicies(r.physicalID, have, role{})
	if err == nil {
		err = o.iam("DeleteRole", url.Values{"RoleName": {r.physicalID}}, nil)
	}
	return ignoreNoSuchEntity(err)
}

func (roleResource) replaces(r *resource, properties map[string]any) (bool, error) {
	have, err := readRole(r.properties, nil)
	if err != nil {
		return false, err
	}
	want, err := readRole(properties, nil)
	if err != nil {
		return false, err
	}
	if want.path != have.path && want.name == have.name && want.name != "" {
		return false, fmt.Errorf("CloudFormation cannot update a stack when a custom-named resource requires replacing. "+
			"Rename %s and update the stack again.", want.name)
	}
	return want.name != have.name || want.path != have.path, nil
}

// changePolicies adds a role's new policies before it removes the old ones, so
// that both together count against IAM's limits (aws-facts 12.9; the order
// inside one role is an assumption).
func (o *operation) changePolicies(name string, have, want role) error {
	for _, arn := range want.managed {
		if !slices.Contains(have.managed, arn) {
			if err := o.iam("AttachRolePolicy", url.Values{"RoleName": {name}, "PolicyArn": {arn}}, nil); err != nil {
				return err
			}
		}
	}
	for _, policy := range slices.Sorted(maps.Keys(want.inline)) {
		if text := want.inline[policy]; text != have.inline[policy] {
			params := url.Values{"RoleName": {name}, "PolicyName": {policy}, "PolicyDocument": {text}}
			if err := o.iam("PutRolePolicy", params, nil); err != nil {
				return err
			}
		}
	}
	for _, arn := range have.managed {
		if !slices.Contains(want.managed, arn) {
			if err := o.iam("DetachRolePolicy", url.Values{"RoleName": {name}, "PolicyArn": {arn}}, nil); ignoreNoSuchEntity(err) != nil {
				return err
			}
		}
	}
	for _, policy := range slices.Sorted(maps.Keys(have.inline)) {
		if _, stays := want.inline[policy]; !stays {
			if err := o.iam("DeleteRolePolicy", url.Values{"RoleName": {name}, "PolicyName": {policy}}, nil); ignoreNoSuchEntity(err) != nil {
				return err
			}
		}
	}
	return nil
}

func (o *operation) changeBoundary(name, have, want string) error {
	switch want {
	case have:
		return nil
	case "":
		return o.iam("DeleteRolePermissionsBoundary", url.Values{"RoleName": {name}}, nil)
	}
	return o.iam("PutRolePermissionsBoundary", url.Values{"RoleName": {name}, "PermissionsBoundary": {want}}, nil)
}

func (o *operation) changeTags(name string, have, want map[string]string) error {
	untag := url.Values{"RoleName": {name}}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if _, stays := want[key]; !stays {
			untag.Set("TagKeys.member."+strconv.Itoa(len(untag)), key)
		}
	}
	if len(untag) > 1 {
		if err := o.iam("UntagRole", untag, nil); err != nil {
			return err
		}
	}
	if maps.Equal(have, want) || len(want) == 0 {
		return nil
	}
	params := url.Values{"RoleName": {name}}
	addTags(params, want)
	return o.iam("TagRole", params, nil)
}

// iam calls IAM as the operation's principal, and decodes the result into out.
// Its errors have the text of IAM's resource handler.
func (o *operation) iam(action string, params url.Values, out any) error {
	region := kernel.GlobalRegion(o.st.region)
	err := retrying(func() error {
		return kernel.CallQuery(o.s.ctx, o.s.env.Inside, o.principal, region, "iam", action, params, out)
	})
	var aws *kernel.Error
	if !errors.As(err, &aws) {
		return err
	}
	return &handlerError{service: "Iam", cause: aws, requestID: o.s.newID(), token: o.s.newID()}
}

// handlerError is a service's error with the text that a resource handler gives
// it in an event.
type handlerError struct {
	service          string
	cause            *kernel.Error
	requestID, token string
}

func (e *handlerError) Error() string {
	code := "GeneralServiceException"
	switch e.cause.Code {
	case "EntityAlreadyExists", "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "QueueNameExists", "ResourceAlreadyExistsException":
		code = "AlreadyExists"
	case "NoSuchEntity", "NoSuchBucket", "QueueDoesNotExist", "NotFound", "ResourceNotFoundException":
		code = "NotFound"
	case "AccessDenied", "AccessDeniedException", "AuthorizationError":
		code = "AccessDenied"
	case "MalformedPolicyDocument", "ValidationError", "InvalidInput":
		code = "InvalidRequest"
	case "LimitExceeded":
		code = "ServiceLimitExceeded"
	case "DeleteConflict", "BucketNotEmpty":
		code = "ResourceConflict"
	}
	return fmt.Sprintf("Resource handler returned message: \"%s (Service: %s, Status Code: %d, Request ID: %s)\" (RequestToken: %s, HandlerErrorCode: %s)",
		e.cause.Message, e.service, e.cause.Status, e.requestID, e.token, code)
}

func (e *handlerError) Unwrap() error { return e.cause }

// ignoreNoSuchEntity returns nil if err is IAM's error for an entity that does
// not exist, and else err.
func ignoreNoSuchEntity(err error) error {
	var aws *kernel.Error
	if errors.As(err, &aws) && aws.Code == "NoSuchEntity" {
		return nil
	}
	return err
}

func setIf(params url.Values, name, value string) {
	if value != "" {
		params.Set(name, value)
	}
}

func addTags(params url.Values, tags map[string]string) {
	for i, key := range slices.Sorted(maps.Keys(tags)) {
		prefix := "Tags.member." + strconv.Itoa(i+1)
		params.Set(prefix+".Key", key)
		params.Set(prefix+".Value", tags[key])
	}
}

// document returns the JSON of a policy document, which a template may have as
// an object or as a string.
func document(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	return encodeJSON(v)
}

func texts(v any, name string) ([]string, error) {
	list, ok := v.([]any)
	if v != nil && !ok {
		return nil, invalidProperty(name, "list")
	}
	var out []string
	for _, e := range list {
		text, ok := e.(string)
		if !ok {
			return nil, invalidProperty(name, "list of strings")
		}
		out = append(out, text)
	}
	return out, nil
}

func invalidProperty(name, want string) error {
	return fmt.Errorf("Properties validation failed: #/%s: expected type: %s", name, strings.ToUpper(want[:1])+want[1:])
}
