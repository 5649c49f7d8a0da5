// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// ruleResource is AWS::Events::Rule. Its physical ID is the rule's name
// (aws-facts 16.2).
type ruleResource struct{ s *Service }

const ruleType = "AWS::Events::Rule"

type eventRule struct {
	name, bus, description, state, pattern string
	targets                                map[string]string // ARNs, by ID
}

func readRule(properties map[string]any) (eventRule, error) {
	e := eventRule{targets: map[string]string{}}
	err := onlyProperties(ruleType, properties, "Name", "EventBusName", "Description", "State", "EventPattern", "Targets")
	for name, field := range map[string]*string{"Name": &e.name, "EventBusName": &e.bus, "Description": &e.description, "State": &e.state} {
		if err == nil {
			*field, err = textOf(properties, name)
		}
	}
	if err != nil {
		return e, err
	}
	if properties["EventPattern"] == nil {
		return e, errors.New("Parameter(s) EventPattern or ScheduleExpression must be specified. (The sandbox has no schedules.)")
	}
	e.pattern = document(properties["EventPattern"])
	list, ok := properties["Targets"].([]any)
	if properties["Targets"] != nil && !ok {
		return e, invalidProperty("Targets", "list")
	}
	for _, element := range list {
		target, _ := element.(map[string]any)
		if err := onlyProperties("a target of "+ruleType, target, "Id", "Arn"); err != nil {
			return e, err
		}
		id, err := textOf(target, "Id")
		if err != nil {
			return e, err
		}
		if e.targets[id], err = textOf(target, "Arn"); err != nil {
			return e, err
		}
	}
	return e, nil
}

func (o *operation) putRule(name string, have, want eventRule) (arn string, err error) {
	params := map[string]string{"Name": name, "EventPattern": want.pattern}
	for field, value := range map[string]string{"EventBusName": want.bus, "Description": want.description, "State": want.state} {
		if value != "" {
			params[field] = value
		}
	}
	var put struct{ RuleArn string }
	if err := o.events("PutRule", params, &put); err != nil {
		return "", err
	}
	var targets []map[string]string
	for _, id := range slices.Sorted(maps.Keys(want.targets)) {
		targets = append(targets, map[string]string{"Id": id, "Arn": want.targets[id]})
	}
	if len(targets) > 0 && !maps.Equal(have.targets, want.targets) {
		if err := o.events("PutTargets", map[string]any{"Rule": name, "EventBusName": busOf(want), "Targets": targets}, nil); err != nil {
			return put.RuleArn, err
		}
	}
	return put.RuleArn, o.removeTargets(name, want, removedKeys(have.targets, want.targets))
}

func busOf(e eventRule) string {
	if e.bus == "" {
		return "default"
	}
	return e.bus
}

func (o *operation) removeTargets(name string, e eventRule, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return o.events("RemoveTargets", map[string]any{"Rule": name, "EventBusName": busOf(e), "Ids": ids}, nil)
}

func (h ruleResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	want, err := readRule(r.properties)
	if err != nil {
		return outcome{}, err
	}
	name := o.nameFor(r, want.name, 64)
	if want.name != "" && o.events("DescribeRule", map[string]string{"Name": name, "EventBusName": busOf(want)}, nil) == nil {
		return outcome{}, alreadyExists(ruleType, name)
	}
	arn, err := o.putRule(name, eventRule{}, want)
	if arn == "" {
		return outcome{}, err
	}
	return outcome{physicalID: name, attributes: map[string]any{"Arn": arn}}, err
}

func (ruleResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	have, err := readRule(r.properties)
	if err != nil {
		return outcome{}, err
	}
	want, err := readRule(properties)
	if err != nil {
		return outcome{}, err
	}
	_, err = o.putRule(r.physicalID, have, want)
	return outcome{}, err
}

func (ruleResource) delete(_ context.Context, o *operation, r *resource) error {
	have, err := readRule(r.properties)
	if err != nil {
		return err
	}
	if err := o.removeTargets(r.physicalID, have, slices.Sorted(maps.Keys(have.targets))); err != nil && !notFound(err) {
		return err
	}
	if err := o.events("DeleteRule", map[string]string{"Name": r.physicalID, "EventBusName": busOf(have)}, nil); !notFound(err) {
		return err
	}
	return nil
}

func (ruleResource) replaces(r *resource, properties map[string]any) (bool, error) {
	if _, err := readRule(properties); err != nil {
		return false, err
	}
	return renamed(r, properties, "Name", "EventBusName")
}
