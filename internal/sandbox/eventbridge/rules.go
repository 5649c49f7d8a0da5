// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package eventbridge

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// rule is a rule of a bus, with its targets. targets.go sends events to the
// targets of the rules that match them.
type rule struct {
	bus         busKey
	name        string
	description string
	pattern     string            // JSON
	state       string            // ENABLED or DISABLED
	targets     map[string]string // ARNs, by ID
}

type ruleKey struct {
	bus  busKey
	name string
}

func (k ruleKey) arn() string {
	name := k.name
	if k.bus.name != defaultBus {
		name = k.bus.name + "/" + name
	}
	return "arn:" + kernel.Partition(k.bus.region) + ":events:" + k.bus.region + ":" + k.bus.account + ":rule/" + name
}

var ruleName = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

func (s *Service) putRule(c *kernel.Call) (any, error) {
	var in struct{ Name, Description, EventPattern, EventBusName, State string }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	key, err := s.ruleOf(c, "PutRule", in.Name, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if in.State == "" {
		in.State = "ENABLED"
	}
	switch {
	case !ruleName.MatchString(in.Name):
		return nil, invalid("The rule name %q is not valid.", in.Name)
	case in.State != "ENABLED" && in.State != "DISABLED":
		return nil, invalid("The State of the sandbox's rules must be ENABLED or DISABLED, not %s.", in.State)
	case in.EventPattern == "":
		return nil, invalid("The sandbox's rules must have an EventPattern, because it has no schedules.")
	}
	if err := checkPattern(in.EventPattern); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.exists(key.bus) {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "Event bus %s does not exist.", key.bus.name)
	}
	r := s.rules[key]
	if r == nil {
		r = &rule{bus: key.bus, name: in.Name, targets: map[string]string{}}
		s.rules[key] = r
	}
	r.description, r.pattern, r.state = in.Description, in.EventPattern, in.State
	return map[string]string{"RuleArn": key.arn()}, nil
}

// ruleOf returns the key of a rule that need not exist, if the caller may do the
// action on it.
func (s *Service) ruleOf(c *kernel.Call, action, name, bus string) (ruleKey, error) {
	on, err := parseBus(c, bus)
	if err != nil {
		return ruleKey{}, err
	}
	key := ruleKey{on, name}
	return key, s.allowOn(c, action, key.arn(), on.account, nil)
}

func (s *Service) describeRule(c *kernel.Call) (any, error) {
	return s.onRule(c, "DescribeRule", func(key ruleKey, r *rule) (any, error) {
		return map[string]any{
			"Name": r.name, "Arn": key.arn(), "EventPattern": r.pattern, "State": r.state, "Description": r.description, "EventBusName": r.bus.name,
		}, nil
	})
}

func (s *Service) deleteRule(c *kernel.Call) (any, error) {
	return s.onRule(c, "DeleteRule", func(key ruleKey, r *rule) (any, error) {
		if len(r.targets) > 0 {
			return nil, invalid("Rule can't be deleted since it has targets.")
		}
		delete(s.rules, key)
		return struct{}{}, nil
	})
}

// onRule executes an operation whose input is only a rule: it calls do with the
// rule, as withRule does.
func (s *Service) onRule(c *kernel.Call, action string, do func(ruleKey, *rule) (any, error)) (any, error) {
	var in struct {
		Name, EventBusName string
		Force              bool
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	return s.withRule(c, action, in.Name, in.EventBusName, do)
}

// withRule calls do with a rule, while it holds the lock, if the caller may do the
// action on the rule. It returns ResourceNotFoundException if the rule does not
// exist.
func (s *Service) withRule(c *kernel.Call, action, name, bus string, do func(ruleKey, *rule) (any, error)) (any, error) {
	key, err := s.ruleOf(c, action, name, bus)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rules[key]
	if r == nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "Rule %s does not exist on EventBus %s.", name, key.bus.name)
	}
	return do(key, r)
}

func (s *Service) listRules(c *kernel.Call) (any, error) {
	var in struct{ NamePrefix, EventBusName string }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	key, err := s.ruleOf(c, "ListRules", "*", in.EventBusName)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	type listed struct{ Name, Arn, EventPattern, State, EventBusName string }
	rules := []listed{}
	for k, r := range s.rules {
		if k.bus == key.bus && strings.HasPrefix(k.name, in.NamePrefix) {
			rules = append(rules, listed{r.name, k.arn(), r.pattern, r.state, r.bus.name})
		}
	}
	slices.SortFunc(rules, func(a, b listed) int { return strings.Compare(a.Name, b.Name) })
	return map[string]any{"Rules": rules}, nil
}

// target is one target of a rule. kernel.DecodeJSON refuses the attributes of
// targets that the sandbox does not implement (roles, inputs, dead-letter queues).
type target struct{ Id, Arn string }

const maxTargets = 5 // of one rule

func (s *Service) putTargets(c *kernel.Call) (any, error) {
	var in struct {
		Rule, EventBusName string
		Targets            []target
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	for _, t := range in.Targets {
		if !isQueue(t.Arn, c.Region) || !ruleName.MatchString(t.Id) {
			return nil, invalid("The targets of the sandbox's rules must be standard SQS queues in the rule's Region; %s is not one, or the target's ID is not valid.", t.Arn)
		}
	}
	return s.withRule(c, "PutTargets", in.Rule, in.EventBusName, func(_ ruleKey, r *rule) (any, error) {
		all := maps.Clone(r.targets)
		for _, t := range in.Targets {
			all[t.Id] = t.Arn
		}
		if len(all) > maxTargets {
			return nil, kernel.Errorf(http.StatusBadRequest, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		}
		r.targets = all
		return map[string]any{"FailedEntryCount": 0, "FailedEntries": []string{}}, nil
	})
}

func (s *Service) removeTargets(c *kernel.Call) (any, error) {
	var in struct {
		Rule, EventBusName string
		Ids                []string
		Force              bool
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	return s.withRule(c, "RemoveTargets", in.Rule, in.EventBusName, func(_ ruleKey, r *rule) (any, error) {
		for _, id := range in.Ids {
			delete(r.targets, id)
		}
		return map[string]any{"FailedEntryCount": 0, "FailedEntries": []string{}}, nil
	})
}

func (s *Service) listTargets(c *kernel.Call) (any, error) {
	var in struct{ Rule, EventBusName string }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	return s.withRule(c, "ListTargetsByRule", in.Rule, in.EventBusName, func(_ ruleKey, r *rule) (any, error) {
		targets := []target{}
		for _, id := range slices.Sorted(maps.Keys(r.targets)) {
			targets = append(targets, target{id, r.targets[id]})
		}
		return map[string]any{"Targets": targets}, nil
	})
}

// isQueue reports whether an ARN is that of a standard SQS queue in a Region. EventBridge
// sends to other Regions only if the target is an event bus.
func isQueue(arn, region string) bool {
	parts := strings.Split(arn, ":")
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "sqs" && parts[3] == region && !strings.HasSuffix(arn, ".fifo")
}

// checkPattern returns an error if a text is not an event pattern, or has a
// comparison that the sandbox does not implement.
func checkPattern(text string) error {
	var pattern map[string]any
	if json.Unmarshal([]byte(text), &pattern) != nil || len(pattern) == 0 {
		return kernel.Errorf(http.StatusBadRequest, "InvalidEventPatternException", "Event pattern is not valid. Reason: it is not a JSON object, or is empty")
	}
	return checkFields(pattern)
}

func checkFields(pattern map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(pattern)) {
		switch v := pattern[name].(type) {
		case map[string]any:
			if err := checkFields(v); err != nil {
				return err
			}
		case []any:
			for _, wanted := range v {
				comparison, isComparison := wanted.(map[string]any)
				if _, known := comparison["prefix"].(string); isComparison && (!known || len(comparison) != 1) {
					return invalid("The sandbox's rules compare only values and prefixes; the pattern for %s has another comparison.", name)
				}
			}
		default:
			return kernel.Errorf(http.StatusBadRequest, "InvalidEventPatternException", "Event pattern is not valid. Reason: \"%s\" must be an object or an array", name)
		}
	}
	return nil
}

// matches reports whether an event matches a pattern: for each field of the
// pattern, it has one of the field's values.
func matches(pattern map[string]any, event any) bool {
	object, _ := event.(map[string]any)
	for name, wanted := range pattern {
		switch wanted := wanted.(type) {
		case map[string]any:
			if !matches(wanted, object[name]) {
				return false
			}
		case []any:
			values, isList := object[name].([]any)
			if !isList {
				values = []any{object[name]}
			}
			if !slices.ContainsFunc(values, func(value any) bool { return slices.ContainsFunc(wanted, func(w any) bool { return equals(w, value) }) }) {
				return false
			}
		}
	}
	return true
}

func equals(wanted, value any) bool {
	if comparison, ok := wanted.(map[string]any); ok {
		prefix, _ := comparison["prefix"].(string)
		text, isText := value.(string)
		return isText && strings.HasPrefix(text, prefix)
	}
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	return wanted == value
}
