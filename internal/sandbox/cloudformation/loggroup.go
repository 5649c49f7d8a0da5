// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// logGroupResource is AWS::Logs::LogGroup. Its physical ID is the group's name.
type logGroupResource struct{ s *Service }

const logGroupType = "AWS::Logs::LogGroup"

type logGroup struct {
	name, retention string
	tags            map[string]string
}

func readLogGroup(properties map[string]any, stackTags map[string]string) (logGroup, error) {
	var g logGroup
	err := onlyProperties(logGroupType, properties, "LogGroupName", "RetentionInDays", "Tags")
	if err == nil {
		g.name, err = textOf(properties, "LogGroupName")
	}
	if err == nil {
		g.retention, err = textOf(properties, "RetentionInDays")
	}
	if err == nil {
		g.tags, err = tagsOf(properties, stackTags)
	}
	return g, err
}

func (h logGroupResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	want, err := readLogGroup(r.properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	name := o.nameFor(r, want.name, 512)
	params := map[string]any{"logGroupName": name}
	if len(want.tags) > 0 {
		params["tags"] = want.tags
	}
	if err := o.logs("CreateLogGroup", params, nil); err != nil {
		return outcome{}, err
	}
	// The ARN ends in a star (aws-facts 16.2).
	return outcome{physicalID: name, attributes: map[string]any{"Arn": o.logGroupARN(name) + ":*"}}, o.retain(name, "", want.retention)
}

func (o *operation) logGroupARN(name string) string {
	return "arn:" + kernel.Partition(o.st.region) + ":logs:" + o.st.region + ":" + o.st.account + ":log-group:" + name
}

func (o *operation) retain(name, have, want string) error {
	switch want {
	case have:
		return nil
	case "":
		return o.logs("DeleteRetentionPolicy", map[string]string{"logGroupName": name}, nil)
	}
	return o.logs("PutRetentionPolicy", map[string]any{"logGroupName": name, "retentionInDays": json.Number(want)}, nil)
}

func (logGroupResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	have, err := readLogGroup(r.properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	want, err := readLogGroup(properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	if err := o.retain(r.physicalID, have.retention, want.retention); err != nil {
		return outcome{}, err
	}
	arn := o.logGroupARN(r.physicalID)
	if removed := removedKeys(have.tags, want.tags); len(removed) > 0 {
		if err := o.logs("UntagResource", map[string]any{"resourceArn": arn, "tagKeys": removed}, nil); err != nil {
			return outcome{}, err
		}
	}
	if len(want.tags) > 0 && !maps.Equal(have.tags, want.tags) {
		return outcome{}, o.logs("TagResource", map[string]any{"resourceArn": arn, "tags": want.tags}, nil)
	}
	return outcome{}, nil
}

func (logGroupResource) delete(_ context.Context, o *operation, r *resource) error {
	if err := o.logs("DeleteLogGroup", map[string]string{"logGroupName": r.physicalID}, nil); !notFound(err) {
		return err
	}
	return nil
}

func (logGroupResource) replaces(r *resource, properties map[string]any) (bool, error) {
	if _, err := readLogGroup(properties, nil); err != nil {
		return false, err
	}
	return renamed(r, properties, "LogGroupName")
}
