// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// This file has the checks of requestChecks about requests that CloudFormation sends
// when a stack changes.

// updated launches a stack, changes it, and returns the requests of the change.
func (t *trial) updated(ctx context.Context, part string, before, after func(topic string) resources, how answering) ([]request, string, error) {
	s, in, _, status, err := t.one(ctx, part, before, succeed)
	if s != nil {
		defer s.dispose(context.WithoutCancel(ctx), in)
	}
	if err == nil && status != "CREATE_COMPLETE" {
		err = instead("the stack is %s", status)
	}
	if err != nil {
		return nil, "", err
	}
	if err := s.update(ctx, templateOf(after(in.topic))); err != nil {
		return nil, "", err
	}
	return s.drive(ctx, in, how)
}

func version(n, name string) func(string) resources {
	return func(topic string) resources { return resources{name: phone(topic, map[string]any{"Version": n})} }
}

// renews returns the answer to an Update with another ID.
func renews(r request) *reply {
	if r.RequestType == "Update" {
		return &reply{phonehome.Success, "renewed"}
	}
	return succeed(r)
}

func replacement(ctx context.Context, t *trial) error {
	asked, status, err := t.updated(ctx, "replaced", version("1", "Phone"), version("2", "Phone"), renews)
	switch {
	case err != nil:
		return err
	case kinds(asked) != "Update Phone, Delete Phone" || status != "UPDATE_COMPLETE":
		return instead("the stack is %s after: %s", status, kinds(asked))
	case asked[1].PhysicalResourceId != "conformance-phone":
		return instead("the Delete's ID is %q", asked[1].PhysicalResourceId)
	}
	return nil
}

func rename(ctx context.Context, t *trial) error {
	asked, status, err := t.updated(ctx, "renamed", version("1", "Phone"), version("1", "Telephone"), succeed)
	if err == nil && (kinds(asked) != "Create Telephone, Delete Phone" || status != "UPDATE_COMPLETE") {
		return instead("the stack is %s after: %s", status, kinds(asked))
	}
	return err
}

func updates(ctx context.Context, t *trial) error {
	handle := map[string]any{"Type": "AWS::CloudFormation::WaitConditionHandle"}
	asked, status, err := t.updated(ctx, "same", version("1", "Phone"), func(topic string) resources {
		return resources{"Phone": phone(topic, map[string]any{"Version": "1"}), "Handle": handle}
	}, succeed)
	switch {
	case err != nil:
		return err
	case len(asked) > 0 || status != "UPDATE_COMPLETE":
		return instead("an update of something else leaves the stack %s after: %s", status, kinds(asked))
	}
	asked, status, err = t.updated(ctx, "other", version("1", "Phone"), version("2", "Phone"), succeed)
	switch {
	case err != nil:
		return err
	case kinds(asked) != "Update Phone" || status != "UPDATE_COMPLETE":
		return instead("the stack is %s after: %s", status, kinds(asked))
	case asked[0].OldResourceProperties["Version"] != "1" || asked[0].ResourceProperties["Version"] != "2":
		return instead("the properties are %v, and the old ones %v", asked[0].ResourceProperties, asked[0].OldResourceProperties)
	}
	return nil
}

func retained(ctx context.Context, t *trial) error {
	s, in, _, status, err := t.one(ctx, "retained", func(topic string) resources {
		r := phone(topic, nil)
		r["DeletionPolicy"] = "Retain"
		return resources{"Phone": r}
	}, succeed)
	if s != nil {
		defer s.dispose(context.WithoutCancel(ctx), in)
	}
	if err == nil && status != "CREATE_COMPLETE" {
		err = instead("the stack is %s", status)
	}
	if err == nil {
		err = s.delete(ctx)
	}
	if err != nil {
		return err
	}
	asked, status, err := s.drive(ctx, in, succeed)
	if err == nil && (len(asked) > 0 || status != "DELETE_COMPLETE") {
		return instead("the stack is %s after: %s", status, kinds(asked))
	}
	return err
}

func replacedAndRetained(ctx context.Context, t *trial) error {
	keeping := func(n string) func(string) resources {
		return func(topic string) resources {
			r := phone(topic, map[string]any{"Version": n})
			r["UpdateReplacePolicy"] = "Retain"
			return resources{"Phone": r}
		}
	}
	asked, status, err := t.updated(ctx, "kept", keeping("1"), keeping("2"), renews)
	if err == nil && (kinds(asked) != "Update Phone" || status != "UPDATE_COMPLETE") {
		return instead("the stack is %s after: %s", status, kinds(asked))
	}
	return err
}

func emptyList(ctx context.Context, t *trial) error {
	in, err := t.intake(ctx, t.Vendor, t.home())
	if err != nil {
		return err
	}
	if err := in.allowCustomer(ctx, t.Customer); err != nil {
		return err
	}
	never := map[string]any{"Conditions": map[string]any{"Never": map[string]any{"Fn::Equals": []string{"a", "b"}}}}
	list := []any{map[string]any{"Fn::If": []any{"Never", "x", map[string]any{"Ref": "AWS::NoValue"}}}}
	s, err := t.launch(ctx, t.Customer, in.region, "empty", templateOf(resources{"Phone": phone(in.topic, map[string]any{"List": list})}, never))
	if err != nil {
		return err
	}
	defer s.dispose(context.WithoutCancel(ctx), in)
	asked, status, err := s.drive(ctx, in, succeed)
	if err != nil {
		return err
	}
	if len(asked) != 1 || status != "CREATE_COMPLETE" {
		return instead("the stack is %s after: %s", status, kinds(asked))
	}
	value, there := asked[0].ResourceProperties["List"]
	list, isList := value.([]any)
	switch {
	case !there:
		t.remark("the property is not sent")
	case isList && len(list) == 0:
		t.remark("an empty list is sent")
	default:
		return instead("it arrives as %v", value)
	}
	return nil
}
