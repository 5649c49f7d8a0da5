// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

type xmlAutoDeployment struct {
	Enabled                      bool
	RetainStacksOnAccountRemoval bool
}

type xmlStackSet struct {
	StackSetID     string `xml:"StackSetId"`
	StackSetName   string `xml:"StackSetName"`
	StackSetARN    string `xml:"StackSetARN"`
	Description    string `xml:",omitempty"`
	Status         string
	TemplateBody   string
	Parameters     []xmlParameter `xml:"Parameters>member"`
	Capabilities   []string       `xml:"Capabilities>member"`
	Tags           []xmlPair      `xml:"Tags>member"`
	AutoDeployment xmlAutoDeployment
	Permission     string   `xml:"PermissionModel"`
	Units          []string `xml:"OrganizationalUnitIds>member"`
	Regions        []string `xml:"Regions>member"`
}

func (s *Service) describeStackSet(c *kernel.Call, q kernel.Query) (any, error) {
	set, err := s.findAllowedSet(c, q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := xmlStackSet{
		StackSetID: set.id, StackSetName: set.name, StackSetARN: set.arn(), Description: set.description,
		Status: set.status(), TemplateBody: set.template.Body, Capabilities: set.capabilities,
		AutoDeployment: xmlAutoDeployment{set.automatic.enabled, set.automatic.retain}, Permission: "SERVICE_MANAGED",
	}
	for _, p := range set.template.Parameters {
		value := set.values[p.Name]
		if p.NoEcho {
			value = "****"
		}
		x.Parameters = append(x.Parameters, xmlParameter{p.Name, value})
	}
	for _, key := range slices.Sorted(maps.Keys(set.tags)) {
		x.Tags = append(x.Tags, xmlPair{key, set.tags[key]})
	}
	for _, in := range set.sorted() {
		if !slices.Contains(x.Units, in.root) {
			x.Units = append(x.Units, in.root)
		}
		if !slices.Contains(x.Regions, in.region) {
			x.Regions = append(x.Regions, in.region)
		}
	}
	return struct{ StackSet xmlStackSet }{x}, nil
}

type listResult[T any] struct {
	Summaries []T    `xml:"Summaries>member"`
	NextToken string `xml:",omitempty"`
}

// page returns the part of a list that MaxResults and NextToken select, as a
// listResult. The token is an index of the list.
func page[T any](q kernel.Query, all []T) (any, error) {
	start, size := 0, 100
	if token := q.Get("NextToken"); token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 || n > len(all) {
			return nil, validation("NextToken is not valid")
		}
		start = n
	}
	if text := q.Get("MaxResults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return nil, validation("1 validation error detected: Value '%s' at 'maxResults' failed to satisfy constraint: Member must have value between 1 and 100", text)
		}
		size = n
	}
	end := min(start+size, len(all))
	result := listResult[T]{Summaries: all[start:end]}
	if end < len(all) {
		result.NextToken = strconv.Itoa(end)
	}
	return result, nil
}

func (s *Service) listStackSets(c *kernel.Call, q kernel.Query) (any, error) {
	type summary struct {
		StackSetID     string `xml:"StackSetId"`
		StackSetName   string
		Description    string `xml:",omitempty"`
		Status         string
		AutoDeployment xmlAutoDeployment
		Permission     string `xml:"PermissionModel"`
		DriftStatus    string
	}
	owner, err := s.ownerOfSets(c, q)
	if err != nil {
		return nil, err
	}
	if err := s.allowed(c, setARN(c, owner, "*")); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []summary
	for _, set := range s.setsInOrder() {
		if set.account != owner || set.region != c.Region || q.Has("Status") && q.Get("Status") != set.status() {
			continue
		}
		all = append(all, summary{
			set.id, set.name, set.description, set.status(),
			xmlAutoDeployment{set.automatic.enabled, set.automatic.retain}, "SERVICE_MANAGED", "NOT_CHECKED",
		})
	}
	return page(q, all)
}

type xmlInstanceStatus struct{ DetailedStatus string }

type xmlInstance struct {
	StackSetID    string `xml:"StackSetId"`
	StackID       string `xml:"StackId,omitempty"`
	Account       string
	Region        string
	Unit          string `xml:"OrganizationalUnitId"`
	Status        string
	Detail        xmlInstanceStatus `xml:"StackInstanceStatus"`
	StatusReason  string            `xml:",omitempty"`
	DriftStatus   string
	LastOperation string `xml:"LastOperationId,omitempty"`
}

func (in *instance) xml(set *stackSet) xmlInstance {
	return xmlInstance{
		set.id, in.stackID, in.account, in.region, in.root, in.status, xmlInstanceStatus{in.detail}, in.reason, "NOT_CHECKED", in.lastOperation,
	}
}

func (s *Service) listStackInstances(c *kernel.Call, q kernel.Query) (any, error) {
	set, err := s.findAllowedSet(c, q)
	if err != nil {
		return nil, err
	}
	filter := map[string]string{}
	for _, f := range q.Structs("Filters") {
		name := f.Get("Name")
		if name != "DETAILED_STATUS" && name != "LAST_OPERATION_ID" {
			return nil, validation("The sandbox's CloudFormation does not implement the filter %s of ListStackInstances", name)
		}
		filter[name] = f.Get("Values")
	}
	matches := func(wanted, got string) bool { return wanted == "" || wanted == got }
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []xmlInstance
	for _, in := range set.sorted() {
		if matches(q.Get("StackInstanceAccount"), in.account) && matches(q.Get("StackInstanceRegion"), in.region) &&
			matches(filter["DETAILED_STATUS"], in.detail) && matches(filter["LAST_OPERATION_ID"], in.lastOperation) {
			all = append(all, in.xml(set))
		}
	}
	return page(q, all)
}

func (s *Service) describeStackInstance(c *kernel.Call, q kernel.Query) (any, error) {
	set, err := s.findAllowedSet(c, q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in := set.instances[location{q.Get("StackInstanceAccount"), q.Get("StackInstanceRegion")}]
	if in == nil {
		return nil, kernel.Errorf(http.StatusNotFound, "StackInstanceNotFoundException", "Stack instance not found for StackSet %s in account %s and Region %s", set.name, q.Get("StackInstanceAccount"), q.Get("StackInstanceRegion"))
	}
	return struct{ StackInstance xmlInstance }{in.xml(set)}, nil
}

type xmlTargets struct {
	Units    []string `xml:"OrganizationalUnitIds>member"`
	Accounts []string `xml:"Accounts>member,omitempty"`
	Filter   string   `xml:"AccountFilterType"`
}

type xmlOperation struct {
	OperationID string `xml:"OperationId"`
	StackSetID  string `xml:"StackSetId,omitempty"`
	Action      string
	Status      string
	Created     string      `xml:"CreationTimestamp"`
	Ended       string      `xml:"EndTimestamp,omitempty"`
	Retain      *bool       `xml:"RetainStacks,omitempty"`
	Targets     *xmlTargets `xml:"DeploymentTargets,omitempty"`
	Failed      int         `xml:"StatusDetails>FailedStackInstancesCount"`
}

func (o *setOperation) xml() xmlOperation {
	x := xmlOperation{OperationID: o.id, Action: o.action, Status: o.status, Created: formatTime(o.created), Ended: formatTime(o.ended)}
	for _, r := range o.results {
		if r.status == "FAILED" {
			x.Failed++
		}
	}
	return x
}

func (s *Service) describeStackSetOperation(c *kernel.Call, q kernel.Query) (any, error) {
	set, o, err := s.findOperation(c, q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := o.xml()
	x.StackSetID = set.id
	x.Targets = &xmlTargets{o.targets.units, o.targets.accounts, o.targets.filter}
	if o.action == "DELETE" {
		x.Retain = &o.retain
	}
	return struct{ StackSetOperation xmlOperation }{x}, nil
}

func (s *Service) findOperation(c *kernel.Call, q kernel.Query) (*stackSet, *setOperation, error) {
	set, err := s.findAllowedSet(c, q)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := set.operation(q.Get("OperationId"))
	if o == nil {
		return nil, nil, kernel.Errorf(http.StatusNotFound, "OperationNotFoundException", "Operation %s not found", q.Get("OperationId"))
	}
	return set, o, nil
}

func (s *Service) listStackSetOperations(c *kernel.Call, q kernel.Query) (any, error) {
	set, err := s.findAllowedSet(c, q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []xmlOperation
	for _, o := range slices.Backward(set.operations) { // newest first
		all = append(all, o.xml())
	}
	return page(q, all)
}

func (s *Service) listStackSetOperationResults(c *kernel.Call, q kernel.Query) (any, error) {
	type result struct {
		Account, Region string
		Unit            string `xml:"OrganizationalUnitId"`
		Status          string
		StatusReason    string `xml:",omitempty"`
	}
	_, o, err := s.findOperation(c, q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []result
	for _, r := range o.results {
		all = append(all, result{r.in.account, r.in.region, r.in.root, r.status, r.reason})
	}
	return page(q, all)
}
