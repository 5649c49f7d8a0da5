// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

const timeFormat = "2006-01-02T15:04:05.000Z"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(timeFormat)
}

type xmlPair struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

type xmlParameter struct {
	ParameterKey, ParameterValue string
}

type xmlOutput struct {
	OutputKey, OutputValue string
	Description            string `xml:",omitempty"`
}

type xmlStack struct {
	StackID           string         `xml:"StackId"`
	StackName         string         `xml:"StackName"`
	Description       string         `xml:",omitempty"`
	Parameters        []xmlParameter `xml:"Parameters>member"`
	CreationTime      string         `xml:"CreationTime"`
	DeletionTime      string         `xml:",omitempty"`
	LastUpdatedTime   string         `xml:",omitempty"`
	StackStatus       string         `xml:"StackStatus"`
	StackStatusReason string         `xml:",omitempty"`
	DisableRollback   bool           `xml:"DisableRollback"`
	Capabilities      []string       `xml:"Capabilities>member"`
	Outputs           []xmlOutput    `xml:"Outputs>member"`
	Tags              []xmlPair      `xml:"Tags>member"`
	RoleARN           string         `xml:",omitempty"`
}

func (s *Service) describeStacks(c *kernel.Call, q kernel.Query) (any, error) {
	type result struct {
		Stacks []xmlStack `xml:"Stacks>member"`
	}
	if name := q.Get("StackName"); name != "" {
		st, err := s.findAllowed(c, name)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return result{[]xmlStack{st.xml()}}, nil
	}
	if err := s.allowed(c, stackARN(c, "*")); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var r result
	for _, st := range s.ofCaller(c) {
		if st.status != "DELETE_COMPLETE" {
			r.Stacks = append(r.Stacks, st.xml())
		}
	}
	return r, nil
}

// ofCaller returns the stacks of the caller's account and Region, newest first.
func (s *Service) ofCaller(c *kernel.Call) []*stack {
	var list []*stack
	for _, st := range s.stacks {
		if st.account == c.Principal.Account && st.region == c.Region {
			list = append(list, st)
		}
	}
	slices.SortFunc(list, func(a, b *stack) int {
		if order := b.created.Compare(a.created); order != 0 {
			return order
		}
		return strings.Compare(a.id, b.id)
	})
	return list
}

func (st *stack) xml() xmlStack {
	x := xmlStack{
		StackID: st.id, StackName: st.name, Description: st.template.Description,
		CreationTime: formatTime(st.created), DeletionTime: formatTime(st.deleted), LastUpdatedTime: formatTime(st.updated),
		StackStatus: st.status, StackStatusReason: st.reason,
		DisableRollback: st.onFailure == "DO_NOTHING", Capabilities: st.capabilities,
		RoleARN: st.serviceRole,
	}
	for _, p := range st.template.Parameters {
		value := st.values[p.Name]
		if p.NoEcho {
			value = "****"
		}
		x.Parameters = append(x.Parameters, xmlParameter{p.Name, value})
	}
	for _, name := range slices.Sorted(maps.Keys(st.outputs)) {
		x.Outputs = append(x.Outputs, xmlOutput{name, st.outputs[name], st.template.Outputs[name].Description})
	}
	for _, key := range slices.Sorted(maps.Keys(st.tags)) {
		x.Tags = append(x.Tags, xmlPair{key, st.tags[key]})
	}
	return x
}

type xmlEvent struct {
	StackID              string `xml:"StackId"`
	EventID              string `xml:"EventId"`
	StackName            string `xml:"StackName"`
	LogicalResourceID    string `xml:"LogicalResourceId"`
	PhysicalResourceID   string `xml:"PhysicalResourceId"`
	ResourceType         string `xml:"ResourceType"`
	Timestamp            string `xml:"Timestamp"`
	ResourceStatus       string `xml:"ResourceStatus"`
	ResourceStatusReason string `xml:",omitempty"`
	ResourceProperties   string `xml:",omitempty"`
	ClientRequestToken   string `xml:",omitempty"`
}

const eventsPage = 100

func (s *Service) describeStackEvents(c *kernel.Call, q kernel.Query) (any, error) {
	st, err := s.findAllowed(c, q.Get("StackName"))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// The token is the number of events that are older than the previous page,
	// so that new events do not shift the pages.
	end := len(st.events)
	if token := q.Get("NextToken"); token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 || n > end {
			return nil, validation("NextToken is not valid")
		}
		end = n
	}
	start := max(0, end-eventsPage)
	var result struct {
		StackEvents []xmlEvent `xml:"StackEvents>member"`
		NextToken   string     `xml:",omitempty"`
	}
	for _, e := range slices.Backward(st.events[start:end]) {
		result.StackEvents = append(result.StackEvents, xmlEvent{
			StackID: e.StackID, EventID: e.ID, StackName: e.StackName,
			LogicalResourceID: e.LogicalResourceID, PhysicalResourceID: e.PhysicalResourceID,
			ResourceType: e.ResourceType, Timestamp: formatTime(e.Timestamp), ResourceStatus: e.ResourceStatus,
			ResourceStatusReason: e.ResourceStatusReason, ResourceProperties: e.ResourceProperties,
			ClientRequestToken: e.ClientRequestToken,
		})
	}
	if start > 0 {
		result.NextToken = strconv.Itoa(start)
	}
	return result, nil
}

type xmlResource struct {
	StackName            string `xml:"StackName"`
	StackID              string `xml:"StackId"`
	LogicalResourceID    string `xml:"LogicalResourceId"`
	PhysicalResourceID   string `xml:"PhysicalResourceId,omitempty"`
	ResourceType         string `xml:"ResourceType"`
	Timestamp            string `xml:"Timestamp"`
	LastUpdatedTimestamp string `xml:"LastUpdatedTimestamp"`
	ResourceStatus       string `xml:"ResourceStatus"`
	ResourceStatusReason string `xml:",omitempty"`
}

// resourcesOf returns a stack's resources, or only the one in LogicalResourceId
// if the call has it.
func (s *Service) resourcesOf(c *kernel.Call, q kernel.Query) ([]xmlResource, error) {
	st, err := s.findAllowed(c, q.Get("StackName"))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	only := q.Get("LogicalResourceId")
	if r := st.resources[only]; only != "" && (r == nil || r.status == "") {
		return nil, validation("Resource %s does not exist for stack %s", only, q.Get("StackName"))
	}
	var list []xmlResource
	for _, id := range slices.Sorted(maps.Keys(st.resources)) {
		r := st.resources[id]
		if only != "" && only != id || r.status == "" {
			continue
		}
		list = append(list, xmlResource{
			StackName: st.name, StackID: st.id, LogicalResourceID: id, PhysicalResourceID: r.physicalID,
			ResourceType: r.kind, Timestamp: formatTime(r.updated), LastUpdatedTimestamp: formatTime(r.updated),
			ResourceStatus: r.status, ResourceStatusReason: r.reason,
		})
	}
	return list, nil
}

func (s *Service) describeStackResources(c *kernel.Call, q kernel.Query) (any, error) {
	list, err := s.resourcesOf(c, q)
	return struct {
		Resources []xmlResource `xml:"StackResources>member"`
	}{list}, err
}

func (s *Service) listStackResources(c *kernel.Call, q kernel.Query) (any, error) {
	list, err := s.resourcesOf(c, q)
	return struct {
		Resources []xmlResource `xml:"StackResourceSummaries>member"`
	}{list}, err
}

func (s *Service) describeStackResource(c *kernel.Call, q kernel.Query) (any, error) {
	if q.Get("LogicalResourceId") == "" {
		return nil, validation("1 validation error detected: Value null at 'logicalResourceId' failed to satisfy constraint: Member must not be null")
	}
	list, err := s.resourcesOf(c, q)
	if err != nil {
		return nil, err
	}
	return struct{ StackResourceDetail xmlResource }{list[0]}, nil
}

func (s *Service) listStacks(c *kernel.Call, q kernel.Query) (any, error) {
	type summary struct {
		StackID           string `xml:"StackId"`
		StackName         string `xml:"StackName"`
		CreationTime      string `xml:"CreationTime"`
		LastUpdatedTime   string `xml:",omitempty"`
		DeletionTime      string `xml:",omitempty"`
		StackStatus       string `xml:"StackStatus"`
		StackStatusReason string `xml:",omitempty"`
	}
	if err := s.allowed(c, stackARN(c, "*")); err != nil {
		return nil, err
	}
	filter := q.List("StackStatusFilter")
	var result struct {
		Summaries []summary `xml:"StackSummaries>member"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.ofCaller(c) {
		if len(filter) == 0 || slices.Contains(filter, st.status) {
			result.Summaries = append(result.Summaries, summary{
				st.id, st.name, formatTime(st.created), formatTime(st.updated), formatTime(st.deleted), st.status, st.reason,
			})
		}
	}
	return result, nil
}

func (s *Service) getTemplate(c *kernel.Call, q kernel.Query) (any, error) {
	st, err := s.findAllowed(c, q.Get("StackName"))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return struct {
		TemplateBody    string
		StagesAvailable []string `xml:"StagesAvailable>member"`
	}{st.template.Body, []string{"Original", "Processed"}}, nil
}

func (s *Service) validateTemplate(c *kernel.Call, q kernel.Query) (any, error) {
	if err := s.allowed(c, "*"); err != nil {
		return nil, err
	}
	t, err := s.readTemplate(c, q)
	if err != nil {
		return nil, err
	}
	type parameter struct {
		ParameterKey string
		DefaultValue *string `xml:",omitempty"`
		NoEcho       bool
		Description  string `xml:",omitempty"`
	}
	var result struct {
		Parameters         []parameter `xml:"Parameters>member"`
		Description        string      `xml:",omitempty"`
		Capabilities       []string    `xml:"Capabilities>member"`
		CapabilitiesReason string      `xml:",omitempty"`
	}
	for _, p := range t.Parameters {
		result.Parameters = append(result.Parameters, parameter{p.Name, p.Default, p.NoEcho, p.Description})
	}
	result.Description = t.Description
	result.Capabilities, result.CapabilitiesReason = capabilities(t)
	return result, nil
}

func capabilities(t *template.Template) (list []string, reason string) {
	need, types := requiredCapabilities(t)
	if need == "" {
		return nil, ""
	}
	return []string{need}, "The following resource(s) require capabilities: [" + strings.Join(types, ", ") + "]"
}

func (s *Service) getTemplateSummary(c *kernel.Call, q kernel.Query) (any, error) {
	t, err := s.summaryTemplate(c, q)
	if err != nil {
		return nil, err
	}
	type constraints struct {
		AllowedValues []string `xml:"AllowedValues>member,omitempty"`
	}
	type declaration struct {
		ParameterKey         string
		DefaultValue         *string `xml:",omitempty"`
		ParameterType        string
		NoEcho               bool
		Description          string      `xml:",omitempty"`
		ParameterConstraints constraints `xml:",omitempty"`
	}
	var result struct {
		Parameters         []declaration `xml:"Parameters>member"`
		Description        string        `xml:",omitempty"`
		Capabilities       []string      `xml:"Capabilities>member"`
		CapabilitiesReason string        `xml:",omitempty"`
		ResourceTypes      []string      `xml:"ResourceTypes>member"`
		Version            string        `xml:",omitempty"`
		Metadata           string        `xml:",omitempty"`
	}
	for _, p := range t.Parameters {
		result.Parameters = append(result.Parameters, declaration{
			p.Name, p.Default, p.Type, p.NoEcho, p.Description, constraints{p.AllowedValues},
		})
	}
	result.Description, result.Version = t.Description, t.Version
	result.Capabilities, result.CapabilitiesReason = capabilities(t)
	for _, r := range t.Resources {
		if !slices.Contains(result.ResourceTypes, r.Type) {
			result.ResourceTypes = append(result.ResourceTypes, r.Type)
		}
	}
	slices.Sort(result.ResourceTypes)
	if t.Metadata != nil {
		result.Metadata = encodeJSON(t.Metadata)
	}
	return result, nil
}

func (s *Service) summaryTemplate(c *kernel.Call, q kernel.Query) (*template.Template, error) {
	if name := q.Get("StackName"); name != "" {
		st, err := s.findAllowed(c, name)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return st.template, nil
	}
	if q.Has("StackSetName") {
		set, err := s.findAllowedSet(c, q)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return set.template, nil
	}
	if err := s.allowed(c, "*"); err != nil {
		return nil, err
	}
	return s.readTemplate(c, q)
}
