// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// readTemplate returns the template in a call's TemplateBody or TemplateURL.
func (s *Service) readTemplate(c *kernel.Call, q kernel.Query) (*template.Template, error) {
	body, address := q.Get("TemplateBody"), q.Get("TemplateURL")
	switch {
	case body != "" && address != "":
		return nil, validation("Either Template URL or Template Body must be specified, but not both.")
	case address != "":
		var err error
		if body, err = s.fetch(c, address); err != nil {
			return nil, err
		}
	case body == "":
		return nil, validation("Either Template URL or Template Body must be specified.")
	case len(body) > template.MaxInline:
		return nil, validation("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to %d", template.MaxInline)
	}
	return template.Parse(body, func(kind string) bool { return s.handlers[kind] != nil })
}

var s3Host = regexp.MustCompile(`^(?:[a-z0-9.-]+\.)?s3(?:[.-](?:dualstack\.)?([a-z0-9-]+))?\.(amazonaws\.com(?:\.cn)?|amazonaws\.eu)$`)

// fetchable reports whether a template's address is one of S3 in the stack's
// own partition. Other partitions cannot be reached.
func fetchable(u *url.URL, region string) bool {
	host := s3Host.FindStringSubmatch(u.Host)
	if u.Scheme != "https" || host == nil || host[2] != kernel.URLSuffix(region) {
		return false
	}
	// A host without a Region is the global endpoint of the commercial
	// partition.
	return kernel.Partition(host[1]) == kernel.Partition(region)
}

// fetch returns the template at an address, read with the caller's own
// permissions (aws-facts 3.5, 4.1).
func (s *Service) fetch(c *kernel.Call, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || !fetchable(u, c.Region) || len(address) > 5120 {
		return "", validation("TemplateURL must be a supported URL.")
	}
	body, err := kernel.GetObject(c.Context, s.env.Inside, viaCloudFormation(c.Principal), c.Region, address)
	if err != nil {
		return "", validation("S3 error: %s\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html\nTemplateURL must reference a valid S3 object to which you have access.", s3Reason(err))
	}
	return string(body), nil
}

func s3Reason(err error) string {
	var aws *kernel.Error
	if errors.As(err, &aws) {
		return aws.Message
	}
	return err.Error()
}

// prepare binds parameters and checks rules and capabilities. It returns an
// operation that lacks only its principal, and the bound values. It does not
// change the stack.
func (s *Service) prepare(c *kernel.Call, q kernel.Query, t *template.Template, values map[string]string, id, name string) (*operation, map[string]string, error) {
	bound, err := t.Bind(values)
	if err != nil {
		return nil, nil, err
	}
	scope, err := t.NewScope(pseudo(c, id, name), bound)
	if err != nil {
		return nil, nil, err
	}
	if err := t.CheckRules(scope); err != nil {
		return nil, nil, err
	}
	order, needs, err := t.Order(scope)
	if err != nil {
		return nil, nil, err
	}
	if err := checkCapabilities(t, q.List("Capabilities")); err != nil {
		return nil, nil, err
	}
	o := &operation{
		token: q.Get("ClientRequestToken"), scope: scope, order: order, needs: needs,
	}
	return o, bound, nil
}

func pseudo(c *kernel.Call, id, name string) template.Scope {
	return template.Scope{
		Region: c.Region, Partition: kernel.Partition(c.Region), URLSuffix: kernel.URLSuffix(c.Region),
		AccountID: c.Principal.Account, StackID: id, StackName: name,
	}
}

// requiredCapabilities returns the capability that the caller must acknowledge,
// empty if there is none, and the resource types that require it, sorted
// (aws-facts 3.8).
func requiredCapabilities(t *template.Template) (capability string, types []string) {
	for _, r := range t.Resources {
		if !strings.HasPrefix(r.Type, "AWS::IAM::") {
			continue
		}
		if !slices.Contains(types, r.Type) {
			types = append(types, r.Type)
		}
		_, namedRole := r.Properties["RoleName"]
		_, namedPolicy := r.Properties["ManagedPolicyName"]
		if r.Type == "AWS::IAM::Role" && namedRole || r.Type == "AWS::IAM::ManagedPolicy" && namedPolicy {
			capability = "CAPABILITY_NAMED_IAM"
		} else if capability == "" {
			capability = "CAPABILITY_IAM"
		}
	}
	slices.Sort(types)
	return capability, types
}

func checkCapabilities(t *template.Template, given []string) error {
	for _, g := range given {
		if !slices.Contains([]string{"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"}, g) {
			return validation("1 validation error detected: Value '[%s]' at 'capabilities' failed to satisfy constraint: Member must satisfy enum value set: [CAPABILITY_IAM, CAPABILITY_NAMED_IAM, CAPABILITY_AUTO_EXPAND]", g)
		}
	}
	need, _ := requiredCapabilities(t)
	if need == "" || slices.Contains(given, need) || slices.Contains(given, "CAPABILITY_NAMED_IAM") {
		return nil
	}
	return kernel.Errorf(http.StatusBadRequest, "InsufficientCapabilitiesException", "Requires capabilities : [%s]", need)
}

var stackName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

func (s *Service) createStack(c *kernel.Call, q kernel.Query) (any, error) {
	return s.createStackFrom(c, q, func() (*template.Template, error) { return s.readTemplate(c, q) })
}

// createStackFrom creates a stack from the template that read returns: the
// call's own, or a StackSet's.
func (s *Service) createStackFrom(c *kernel.Call, q kernel.Query, read func() (*template.Template, error)) (any, error) {
	name := q.Get("StackName")
	if !stackName.MatchString(name) {
		return nil, validation("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
	}
	id := stackARN(c, name+"/"+s.newID())
	if err := s.allowed(c, id); err != nil {
		return nil, err
	}
	onFailure, err := queryOnFailure(q)
	if err != nil {
		return nil, err
	}
	t, err := read()
	if err != nil {
		return nil, err
	}
	values, err := firstValues(q)
	if err != nil {
		return nil, err
	}
	o, bound, err := s.prepare(c, q, t, values, id, name)
	if err != nil {
		return nil, err
	}
	var serviceRole string
	if o.principal, serviceRole, err = s.actor(c, q, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(c.Principal.Account, c.Region, name); err == nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "AlreadyExistsException", "Stack [%s] already exists", name)
	}
	st := &stack{
		id: id, name: name, account: c.Principal.Account, region: c.Region,
		template: t, values: bound, capabilities: q.List("Capabilities"), tags: queryTags(q), onFailure: onFailure, serviceRole: serviceRole,
		created: s.now(), resources: map[string]*resource{}, changed: make(chan struct{}),
	}
	s.stacks[id], s.named[nameKey{st.account, st.region, st.name}] = st, st
	s.begin(st, o, "CREATE_IN_PROGRESS", runCreate)
	return stackIDResult{id}, nil
}

// firstValues returns the parameters of a new stack or StackSet. It returns an
// error if the call asks for previous values, because there are none.
func firstValues(q kernel.Query) (map[string]string, error) {
	values, previous, err := queryParameters(q)
	if err == nil && len(previous) > 0 {
		return nil, validation("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", previous[0])
	}
	return values, err
}

// begin starts the operation and records its first event. The caller holds the
// lock.
func (s *Service) begin(st *stack, o *operation, status string, run func(*operation)) {
	s.start(st, o, run)
	o.bind()
	s.setStackLocked(st, status, "User Initiated")
}

type stackIDResult struct {
	StackID string `xml:"StackId"`
}

func queryOnFailure(q kernel.Query) (string, error) {
	onFailure := q.Get("OnFailure")
	switch {
	case onFailure != "" && q.Has("DisableRollback"):
		return "", validation("You can specify only one of DisableRollback and OnFailure")
	case q.Get("DisableRollback") == "true":
		return "DO_NOTHING", nil
	case onFailure == "":
		return "ROLLBACK", nil
	case !slices.Contains([]string{"ROLLBACK", "DELETE", "DO_NOTHING"}, onFailure):
		return "", validation("1 validation error detected: Value '%s' at 'onFailure' failed to satisfy constraint: Member must satisfy enum value set: [DELETE, DO_NOTHING, ROLLBACK]", onFailure)
	}
	return onFailure, nil
}

var updatable = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}

func (s *Service) updateStack(c *kernel.Call, q kernel.Query) (any, error) {
	return s.updateStackFrom(c, q, func() (*template.Template, error) { return s.readTemplate(c, q) })
}

// errNoUpdates is the error of an update that changes nothing. A StackSet takes
// it for success.
var errNoUpdates = validation("No updates are to be performed.")

func (s *Service) updateStackFrom(c *kernel.Call, q kernel.Query, read func() (*template.Template, error)) (any, error) {
	st, err := s.findAllowed(c, q.Get("StackName"))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	before := former{
		template: st.template, values: st.values, tags: st.tags, outputs: st.outputs, resources: map[string]*resource{},
	}
	for id, r := range st.resources {
		copied := *r
		before.resources[id] = &copied
	}
	status := st.status
	s.mu.Unlock()
	if !slices.Contains(updatable, status) {
		return nil, validation("Stack:%s is in %s state and can not be updated.", st.id, status)
	}
	t := before.template
	if q.Get("UsePreviousTemplate") != "true" {
		if t, err = read(); err != nil {
			return nil, err
		}
	}
	values, err := updatedValues(q, t, before.values)
	if err != nil {
		return nil, err
	}
	o, bound, err := s.prepare(c, q, t, values, st.id, st.name)
	if err != nil {
		return nil, err
	}
	var serviceRole string
	if o.principal, serviceRole, err = s.actor(c, q, st); err != nil {
		return nil, err
	}
	if err := sameTypes(before.resources, t); err != nil {
		return nil, err
	}
	tags := before.tags
	if len(queryTags(q)) > 0 {
		tags = queryTags(q)
	}
	o.s, o.st = s, st
	o.bind()
	if !o.changesAnything(t, before, tags) {
		return nil, errNoUpdates
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.status != status { // another operation has started meanwhile
		return nil, validation("Stack:%s is in %s state and can not be updated.", st.id, st.status)
	}
	st.template, st.values, st.tags, st.updated, st.serviceRole = t, bound, tags, s.now(), serviceRole
	s.begin(st, o, "UPDATE_IN_PROGRESS", runUpdate(before))
	return stackIDResult{st.id}, nil
}

// updatedValues returns the parameters of an update: those passed, and the
// previous values of those for which the call asks for them.
func updatedValues(q kernel.Query, t *template.Template, before map[string]string) (map[string]string, error) {
	values, previous, err := queryParameters(q)
	if err != nil {
		return nil, err
	}
	for _, name := range previous {
		value, found := before[name]
		inNew := slices.ContainsFunc(t.Parameters, func(p template.Parameter) bool { return p.Name == name })
		if !found || !inNew {
			return nil, validation("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", name)
		}
		values[name] = value
	}
	return values, nil
}

func sameTypes(resources map[string]*resource, t *template.Template) error {
	var changed []string
	for id, r := range resources {
		if definition, found := t.Resources[id]; found && definition.Type != r.kind {
			changed = append(changed, id)
		}
	}
	if len(changed) > 0 {
		slices.Sort(changed)
		return validation("Update of resource type is not permitted. The new template modifies resource type of the following resources: [%s]", strings.Join(changed, ", "))
	}
	return nil
}

// changesAnything reports whether an update changes a resource, an output or a
// tag. References are evaluated with the resources as they are: if none changes
// directly, none changes through a reference.
func (o *operation) changesAnything(t *template.Template, before former, tags map[string]string) bool {
	if len(o.needs) != len(before.resources) || encodeJSON(tags) != encodeJSON(before.tags) {
		return true
	}
	for id := range o.needs {
		r, found := before.resources[id]
		if !found {
			return true
		}
		properties, err := o.scope.Properties(t.Resources[id])
		if err != nil || !same(properties, r.properties) {
			return true
		}
	}
	outputs, err := evaluateOutputs(t, o.scope)
	return err != nil || encodeJSON(outputs) != encodeJSON(before.outputs)
}

func (s *Service) deleteStack(c *kernel.Call, q kernel.Query) (any, error) {
	st, err := s.findAllowed(c, q.Get("StackName"))
	var aws *kernel.Error
	if errors.As(err, &aws) && aws.Code == "ValidationError" && q.Get("StackName") != "" {
		return nil, nil // deleting a stack that does not exist succeeds
	}
	if err != nil {
		return nil, err
	}
	retain, force := q.List("RetainResources"), q.Get("DeletionMode") == "FORCE_DELETE_STACK"
	principal, serviceRole, err := s.actor(c, q, st)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch status := st.status; {
	case status == "DELETE_COMPLETE" || status == "DELETE_IN_PROGRESS":
		return nil, nil
	case (len(retain) > 0 || force) && status != "DELETE_FAILED":
		// Both are only for a stack whose deletion has failed (aws-facts 1.14).
		return nil, validation("Invalid operation on stack [%s]. RetainResources and FORCE_DELETE_STACK can be used only when the stack is in the DELETE_FAILED state", st.id)
	case strings.HasPrefix(status, "UPDATE_") && strings.HasSuffix(status, "_IN_PROGRESS"):
		return nil, validation("Stack [%s] cannot be deleted while in status %s", st.name, status)
	}
	for _, id := range retain {
		if st.resources[id] == nil {
			return nil, validation("The specified resources to retain [%s] do not exist in the stack", id)
		}
	}
	st.serviceRole = serviceRole
	o := &operation{principal: principal, token: q.Get("ClientRequestToken"), scope: &template.Scope{}}
	s.begin(st, o, "DELETE_IN_PROGRESS", runDelete(func(r *resource) bool { return slices.Contains(retain, r.logicalID) }, force))
	return nil, nil
}

// Forget deletes a stack without a request to the vendor: it keeps the custom
// resources, as if the customer retained them in a forced deletion. It returns
// an error if there is no such stack.
func (s *Service) Forget(p *kernel.Principal, stackID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, found := s.stacks[stackID]
	if !found {
		return validation("Stack with id %s does not exist", stackID)
	}
	o := &operation{principal: viaCloudFormation(p), scope: &template.Scope{}}
	s.begin(st, o, "DELETE_IN_PROGRESS", runDelete(func(r *resource) bool { return s.handlers[r.kind] == nil }, true))
	return nil
}
