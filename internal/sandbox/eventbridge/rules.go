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

// Rules are kept with their targets. Events that are put on the bus go to the queues among the
// targets of the rules that match them; see targets.go.

// rule is a rule of a bus.
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
		return nil, invalid("The name %q is not one of a rule.", in.Name)
	case in.State != "ENABLED" && in.State != "DISABLED":
		return nil, invalid("The sandbox's rules are ENABLED or DISABLED, not %s.", in.State)
	case in.EventPattern == "":
		return nil, invalid("The sandbox's rules have an event pattern: it has no schedules.")
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

// ruleOf returns the rule that a caller means, if they may do the action on it.
func (s *Service) ruleOf(c *kernel.Call, action, name, bus string) (ruleKey, error) {
	on, err := named(c, bus)
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

// onRule does something to a rule of which a call says nothing but the name.
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

// target is one target of a rule. decode refuses attributes of targets that the
// sandbox does not implement (roles, inputs, dead-letter queues).
type target struct{ Id, Arn string }

const mostTargets = 5 // of one rule

func (s *Service) putTargets(c *kernel.Call) (any, error) {
	var in struct {
		Rule, EventBusName string
		Targets            []target
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	for _, t := range in.Targets {
		if _, isQueue := queueOf(t.Arn); !isQueue || !ruleName.MatchString(t.Id) {
			return nil, invalid("The sandbox's rules have SQS queues of their Region for targets; %s is not one.", t.Arn)
		}
	}
	return s.withRule(c, "PutTargets", in.Rule, in.EventBusName, func(_ ruleKey, r *rule) (any, error) {
		all := maps.Clone(r.targets)
		for _, t := range in.Targets {
			all[t.Id] = t.Arn
		}
		if len(all) > mostTargets {
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

// queueOf returns the Region of a queue's ARN.
func queueOf(arn string) (region string, isQueue bool) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || strings.HasSuffix(arn, ".fifo") {
		return "", false
	}
	return parts[3], true
}

// checkPattern refuses what is no event pattern, and comparisons that the sandbox does
// not implement.
func checkPattern(text string) error {
	var pattern map[string]any
	if json.Unmarshal([]byte(text), &pattern) != nil || len(pattern) == 0 {
		return kernel.Errorf(http.StatusBadRequest, "InvalidEventPatternException", "Event pattern is not valid. Reason: it is not a JSON object with something in it")
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
					return invalid("The sandbox's rules compare values and prefixes; the pattern for %s has another comparison.", name)
				}
			}
		default:
			return kernel.Errorf(http.StatusBadRequest, "InvalidEventPatternException", "Event pattern is not valid. Reason: \"%s\" must be an object or an array", name)
		}
	}
	return nil
}

// matches reports whether an event has, for each field of the pattern, one of its
// values.
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
