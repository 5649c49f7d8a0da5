// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"net/http"
	"regexp"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

var setName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

func (s *Service) createStackSet(c *kernel.Call, q kernel.Query) (any, error) {
	type result struct {
		ID string `xml:"StackSetId"`
	}
	name := q.Get("StackSetName")
	if !setName.MatchString(name) {
		return nil, validation("1 validation error detected: Value '%s' at 'stackSetName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
	}
	owner, err := s.ownerOfSets(c, q)
	if err != nil {
		return nil, err
	}
	set := &stackSet{
		id: name + ":" + s.newID(), name: name, account: owner, region: c.Region,
		description: q.Get("Description"), token: q.Get("ClientRequestToken"),
		capabilities: q.List("Capabilities"), tags: queryTags(q), created: s.now(),
		instances: map[location]*instance{}, changed: make(chan struct{}),
	}
	if err := s.allowed(c, set.arn()); err != nil {
		return nil, err
	}
	if err := s.serviceManaged(owner, q); err != nil {
		return nil, err
	}
	if set.automatic, err = queryAutomatic(q); err != nil {
		return nil, err
	}
	if set.template, err = s.readTemplate(c, q); err != nil {
		return nil, err
	}
	values, err := firstValues(q)
	if err != nil {
		return nil, err
	}
	if set.values, err = set.template.Bind(values); err != nil {
		return nil, err
	}
	if err := checkCapabilities(set.template, set.capabilities); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.findSet(set.account, set.region, name); old != nil {
		if old.token != "" && old.token == set.token {
			return result{old.id}, nil // a repetition of the same call
		}
		return nil, kernel.Errorf(http.StatusConflict, "NameAlreadyExistsException", "StackSet already exists")
	}
	s.sets[set.id] = set
	return result{set.id}, nil
}

// serviceManaged returns an error if the permission model is not
// SERVICE_MANAGED, or if owner is not a management account.
func (s *Service) serviceManaged(owner string, q kernel.Query) error {
	if model := q.Get("PermissionModel"); model != "SERVICE_MANAGED" {
		return validation("The sandbox's CloudFormation implements StackSets with the permission model SERVICE_MANAGED only; this one has %q (AWS's default is SELF_MANAGED)", model)
	}
	_, err := s.managed(owner)
	return err
}

func queryAutomatic(q kernel.Query) (automatic, error) {
	fields := nested(q, "AutoDeployment")
	a := automatic{
		enabled: fields.Get("Enabled") == "true", retain: fields.Get("RetainStacksOnAccountRemoval") == "true",
		follows: map[string][]string{},
	}
	if err := onlyKnown("AutoDeployment", fields, []string{"Enabled", "RetainStacksOnAccountRemoval"}); err != nil {
		return a, err
	}
	if !a.enabled && fields.Has("RetainStacksOnAccountRemoval") {
		return a, validation("RetainStacksOnAccountRemoval can be specified only if AutoDeployment is enabled")
	}
	return a, nil
}

type operationResult struct {
	OperationID string `xml:"OperationId"`
}

func (s *Service) updateStackSet(c *kernel.Call, q kernel.Query) (any, error) {
	set, err := s.findAllowedSet(c, q)
	if err != nil {
		return nil, err
	}
	if model := q.Get("PermissionModel"); model != "" && model != "SERVICE_MANAGED" {
		return nil, validation("The permission model of a StackSet that has stack instances cannot be changed to %s", model)
	}
	root, err := s.managed(set.account)
	if err != nil {
		return nil, err
	}
	p, err := queryPreferences(q)
	if err != nil {
		return nil, err
	}
	only := targets{units: []string{root.Root}, filter: "NONE"}
	if len(nested(q, "DeploymentTargets")) > 0 || len(q.List("Regions")) > 0 {
		if only, err = queryTargets(q, root.Root); err != nil {
			return nil, err
		}
	}
	next, err := s.changedSet(c, q, set)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.newSetOperation(set, q, "UPDATE", p, only)
	if err != nil {
		return nil, err
	}
	next.automatic.follows = set.automatic.follows
	set.template, set.values, set.capabilities, set.tags, set.automatic = next.template, next.values, next.capabilities, next.tags, next.automatic
	if q.Has("Description") {
		set.description = q.Get("Description")
	}
	for _, in := range set.sorted() {
		if in.status == "INOPERABLE" {
			continue
		}
		in.status = "OUTDATED"
		if len(only.of([]string{in.account})) > 0 && (len(only.regions) == 0 || slices.Contains(only.regions, in.region)) {
			o.results = append(o.results, &setResult{in: in})
		}
	}
	o.do = s.deploy(set, o.id)
	s.startSet(set, o)
	return operationResult{o.id}, nil
}

// changedSet returns a copy of the StackSet with the changes of an update.
func (s *Service) changedSet(c *kernel.Call, q kernel.Query, set *stackSet) (*stackSet, error) {
	s.mu.Lock()
	next := *set
	s.mu.Unlock()
	var err error
	if q.Get("UsePreviousTemplate") != "true" {
		if next.template, err = s.readTemplate(c, q); err != nil {
			return nil, err
		}
	}
	values, err := updatedValues(q, next.template, next.values)
	if err != nil {
		return nil, err
	}
	if next.values, err = next.template.Bind(values); err != nil {
		return nil, err
	}
	next.capabilities = q.List("Capabilities")
	if err := checkCapabilities(next.template, next.capabilities); err != nil {
		return nil, err
	}
	if len(queryTags(q)) > 0 {
		next.tags = queryTags(q)
	}
	if len(nested(q, "AutoDeployment")) > 0 {
		next.automatic, err = queryAutomatic(q)
	}
	return &next, err
}

func (s *Service) createStackInstances(c *kernel.Call, q kernel.Query) (any, error) {
	set, err := s.findAllowedSet(c, q)
	if err != nil {
		return nil, err
	}
	organization, err := s.managed(set.account)
	if err != nil {
		return nil, err
	}
	t, err := queryTargets(q, organization.Root)
	if err != nil {
		return nil, err
	}
	if kernel.Partition(t.regions[0]) != kernel.Partition(set.region) {
		return nil, validation("Region %s is not supported", t.regions[0])
	}
	p, err := queryPreferences(q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.newSetOperation(set, q, "CREATE", p, t)
	if err != nil {
		return nil, err
	}
	if t.whole() {
		for _, region := range t.regions {
			set.automatic.follows[region] = t.leftOut()
		}
	}
	o.results = set.addInstances(t, t.of(organization.Members), organization.Root)
	o.do = s.deploy(set, o.id)
	s.startSet(set, o)
	return operationResult{o.id}, nil
}

// addInstances adds the missing instances in the given accounts and the
// targets' Regions, and returns a result for each instance there. The caller
// holds the lock.
func (set *stackSet) addInstances(t targets, accounts []string, root string) []*setResult {
	var results []*setResult
	for _, region := range t.regions {
		for _, account := range accounts {
			at := location{account, region}
			if set.instances[at] == nil {
				set.instances[at] = &instance{location: at, root: root, status: "OUTDATED"}
			}
			results = append(results, &setResult{in: set.instances[at]})
		}
	}
	return results
}

func (s *Service) deleteStackInstances(c *kernel.Call, q kernel.Query) (any, error) {
	set, err := s.findAllowedSet(c, q)
	if err != nil {
		return nil, err
	}
	organization, err := s.managed(set.account)
	if err != nil {
		return nil, err
	}
	if !q.Has("RetainStacks") {
		return nil, validation("1 validation error detected: Value null at 'retainStacks' failed to satisfy constraint: Member must not be null")
	}
	t, err := queryTargets(q, organization.Root)
	if err != nil {
		return nil, err
	}
	p, err := queryPreferences(q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.newSetOperation(set, q, "DELETE", p, t)
	if err != nil {
		return nil, err
	}
	o.retain = q.Get("RetainStacks") == "true"
	for _, region := range t.regions {
		if t.filter == "NONE" {
			delete(set.automatic.follows, region)
		}
		for _, in := range set.sorted() {
			if in.region == region && len(t.of([]string{in.account})) > 0 {
				o.results = append(o.results, &setResult{in: in})
			}
		}
	}
	o.do = s.remover(set, o)
	s.startSet(set, o)
	return operationResult{o.id}, nil
}

// remover returns the function that deletes the stack of an instance, or does
// nothing if the operation retains the stacks.
func (s *Service) remover(set *stackSet, o *setOperation) func(context.Context, *instance) error {
	if o.retain {
		return func(context.Context, *instance) error { return nil }
	}
	return s.undeploy(set, o.id)
}

func (s *Service) deleteStackSet(c *kernel.Call, q kernel.Query) (any, error) {
	set, err := s.findAllowedSet(c, q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case set.running != nil:
		return nil, kernel.Errorf(http.StatusConflict, "OperationInProgressException", "Another Operation on StackSet %s is in progress: %s", set.arn(), set.running.id)
	case len(set.instances) > 0:
		return nil, kernel.Errorf(http.StatusConflict, "StackSetNotEmptyException", "StackSet is not empty")
	}
	set.deleted = true
	set.wake()
	return struct{}{}, nil // unlike DeleteStack, it answers with an empty result
}
