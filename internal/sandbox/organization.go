// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/organizations"
)

// A customer with many accounts has an organization, and launches one template in
// all of them as a StackSet.

// Organization, StackSet, StackInstance and StackSetOperation describe an
// organization and a StackSet as their owner sees them.
type (
	Organization      = organizations.Organization
	StackSet          = cloudformation.StackSet
	StackInstance     = cloudformation.StackInstance
	StackSetOperation = cloudformation.StackSetOperation
)

// NewOrganization creates an organization with a management account and members,
// and returns it. Accounts that do not exist are created: members in the
// management account's partition, the management account in the commercial one.
func (s *Sandbox) NewOrganization(management string, members ...string) (Organization, error) {
	partition := "aws"
	if known, open := s.identity.Partition(management); open {
		partition = known
	}
	for _, account := range append([]string{management}, members...) {
		if err := s.OpenAccount(account, partition); err != nil {
			return Organization{}, err
		}
	}
	o, err := s.orgs.Create(management)
	if err != nil {
		return o, err
	}
	for _, account := range members {
		if err := s.orgs.Join(o.ID, account); err != nil {
			return o, err
		}
	}
	o, _ = s.orgs.Of(management)
	return o, nil
}

// JoinOrganization adds an account to an organization. If the account does not
// exist, it is created. StackSets with automatic deployment begin to deploy to it.
func (s *Sandbox) JoinOrganization(id, account string) error {
	if !s.identity.Exists(account) {
		for _, o := range s.orgs.All() {
			if partition, open := s.identity.Partition(o.Management); open && o.ID == id {
				if err := s.OpenAccount(account, partition); err != nil {
					return err
				}
			}
		}
	}
	return s.orgs.Join(id, account)
}

// LeaveOrganization removes an account from its organization. StackSets with
// automatic deployment begin to delete their stacks in the account, unless they
// retain stacks.
func (s *Sandbox) LeaveOrganization(account string) error { return s.orgs.Leave(account) }

// AttachServiceControlPolicy attaches a service control policy to a member account
// of an organization, or to its root if account is "", and returns the policy's
// ID. The policy can only deny. It applies to every principal in those accounts,
// including root users, but not to the management account.
func (s *Sandbox) AttachServiceControlPolicy(organization, account, document string) (id string, err error) {
	return s.orgs.AttachPolicy(organization, account, document)
}

// DetachServiceControlPolicy detaches a service control policy by its ID.
func (s *Sandbox) DetachServiceControlPolicy(id string) error { return s.orgs.DetachPolicy(id) }

// Organizations returns all organizations.
func (s *Sandbox) Organizations() []Organization { return s.orgs.All() }

// StackSetLaunch describes the deployment of a template to an organization.
type StackSetLaunch struct {
	// Link is a quick-create link, whose Region, name, template and parameters
	// are the defaults of the other fields. The console has no such links for
	// StackSets (aws-facts 8): a person copies the values.
	Link         string            `json:"link,omitempty"`
	Region       string            `json:"region,omitempty"`
	Name         string            `json:"name,omitempty"`
	TemplateURL  string            `json:"template_url,omitempty"`
	TemplateBody string            `json:"template_body,omitempty"`
	Parameters   map[string]string `json:"parameters,omitempty"`
	// Accounts are the accounts to deploy to; default: all members. StackSets
	// never deploy to the management account.
	Accounts []string `json:"accounts,omitempty"`
	// Manual turns off automatic deployment to accounts that join later, and the
	// deletion of stacks in accounts that leave.
	Manual bool `json:"manual,omitempty"`
	// Retain keeps the stacks of accounts that leave the organization.
	Retain bool `json:"retain,omitempty"`
	// DelegatedAdmin is the member account that launches the StackSet as a
	// delegated administrator. It is registered if it is not one yet. Default: the
	// management account launches the StackSet.
	DelegatedAdmin string `json:"delegated_admin,omitempty"`
}

// LaunchStackSet creates a service-managed StackSet, begins to deploy it to all
// accounts at once, with any number of failures tolerated, and returns it.
// WaitStackSet waits until the deployment is complete.
func (s *Sandbox) LaunchStackSet(ctx context.Context, management string, l StackSetLaunch) (StackSet, error) {
	if err := l.readLink(s.url); err != nil {
		return StackSet{}, err
	}
	organization, found := s.orgs.Of(management)
	if !found {
		return StackSet{}, fmt.Errorf("the account %s is in no organization", management)
	}
	by := management
	if l.DelegatedAdmin != "" {
		by = l.DelegatedAdmin
		if err := s.orgs.Delegate(organization.ID, by); err != nil {
			return StackSet{}, fmt.Errorf("make account %s a delegated administrator: %w", by, err)
		}
	}
	p, err := s.person(by, l.Region, nil)
	if err != nil {
		return StackSet{}, err
	}
	call := func(action string, params url.Values, out any) error {
		if by != management {
			params.Set("CallAs", "DELEGATED_ADMIN")
		}
		return kernel.CallQuery(ctx, s, p, l.Region, "cloudformation", action, params, out)
	}
	source := url.Values{"TemplateURL": {l.TemplateURL}}
	if l.TemplateURL == "" {
		source = url.Values{"TemplateBody": {l.TemplateBody}}
	}
	var template struct {
		Names        []string `xml:"Parameters>member>ParameterKey"`
		Capabilities []string `xml:"Capabilities>member"`
	}
	if err := call("GetTemplateSummary", source, &template); err != nil {
		return StackSet{}, fmt.Errorf("read the template of the StackSet %s as account %s: %w", l.Name, by, err)
	}
	source.Set("StackSetName", l.Name)
	source.Set("PermissionModel", "SERVICE_MANAGED")
	source.Set("AutoDeployment.Enabled", strconv.FormatBool(!l.Manual))
	if !l.Manual {
		source.Set("AutoDeployment.RetainStacksOnAccountRemoval", strconv.FormatBool(l.Retain))
	}
	values := map[string]string{}
	for _, name := range template.Names { // the console ignores other parameters of a link
		if value, given := l.Parameters[name]; given {
			values[name] = value
		}
	}
	addParameters(source, values, nil)
	addCapabilities(source, template.Capabilities)
	var created struct {
		ID string `xml:"StackSetId"`
	}
	if err := call("CreateStackSet", source, &created); err != nil {
		return StackSet{}, fmt.Errorf("create the StackSet %s in account %s: %w", l.Name, management, err)
	}
	if err := call("CreateStackInstances", deploymentParameters(created.ID, organization.Root, l.Region, l.Accounts), nil); err != nil {
		return StackSet{}, fmt.Errorf("deploy the StackSet %s to the organization %s: %w", l.Name, organization.ID, err)
	}
	set, _ := s.CloudFormation().StackSet(management, l.Region, created.ID)
	return set, nil
}

// readLink sets fields that are empty from the link. It returns an error if the
// link is invalid, or if there is no link and the name or Region is missing.
func (l *StackSetLaunch) readLink(base string) error {
	if l.Link == "" {
		if l.Name == "" || l.Region == "" {
			return errors.New("a StackSet needs a name and a Region")
		}
		return nil
	}
	q, err := parseQuickCreate(l.Link, base)
	if err != nil {
		return err
	}
	for given, fromLink := range map[*string]string{&l.Region: q.region, &l.Name: q.stackName, &l.TemplateURL: q.templateURL} {
		if *given == "" {
			*given = fromLink
		}
	}
	for name, value := range l.Parameters {
		q.parameters[name] = value
	}
	l.Parameters = q.parameters
	return nil
}

// deploymentParameters returns the parameters of an operation on the instances of
// a StackSet in a Region: those in some accounts, or all if accounts is empty. Any
// number of failures is tolerated.
func deploymentParameters(set, root, region string, accounts []string) url.Values {
	params := url.Values{
		"StackSetName": {set}, "Regions.member.1": {region},
		"DeploymentTargets.OrganizationalUnitIds.member.1": {root},
		"OperationPreferences.FailureTolerancePercentage":  {"100"},
		"OperationPreferences.MaxConcurrentPercentage":     {"100"},
	}
	for i, account := range accounts {
		params.Set("DeploymentTargets.AccountFilterType", "INTERSECTION")
		params.Set("DeploymentTargets.Accounts.member."+strconv.Itoa(i+1), account)
	}
	return params
}

// WaitStackSet waits until no operation of a StackSet is running or queued, and
// returns the StackSet. The operations' outcome is the status of its instances.
func (s *Sandbox) WaitStackSet(ctx context.Context, id string) (StackSet, error) {
	return s.WaitStackSetFor(ctx, id, StackSet.Settled)
}

// WaitStackSetFor waits until wanted returns true for the StackSet, and returns
// it.
func (s *Sandbox) WaitStackSetFor(ctx context.Context, id string, wanted func(StackSet) bool) (StackSet, error) {
	set, err := s.CloudFormation().WaitForSet(ctx, id, wanted)
	if err != nil {
		return set, fmt.Errorf("wait for the StackSet %s: %w", id, err)
	}
	return set, nil
}

// StackSets returns all StackSets of all accounts, including deleted ones.
func (s *Sandbox) StackSets() []StackSet { return s.CloudFormation().StackSets() }

// UpdateStackSet begins to update a StackSet and all its stacks. WaitStackSet
// waits until that is complete.
func (s *Sandbox) UpdateStackSet(ctx context.Context, id string, o UpdateOptions) error {
	set, p, err := s.ownedSet(id, o.As)
	if err != nil {
		return err
	}
	params, err := s.updateParameters(ctx, p, set.Region, url.Values{"StackSetName": {id}}, set.Parameters, o)
	if err != nil {
		return fmt.Errorf("read the template to update the StackSet %s: %w", id, err)
	}
	params.Set("OperationPreferences.FailureTolerancePercentage", "100")
	params.Set("OperationPreferences.MaxConcurrentPercentage", "100")
	if err := kernel.CallQuery(ctx, s, p, set.Region, "cloudformation", "UpdateStackSet", params, nil); err != nil {
		return fmt.Errorf("update the StackSet %s: %w", id, err)
	}
	return nil
}

// DeleteStackSet deletes all stacks of a StackSet, waits until they are deleted,
// and deletes the StackSet.
func (s *Sandbox) DeleteStackSet(ctx context.Context, id string) error {
	set, p, err := s.ownedSet(id, nil)
	if err != nil {
		return err
	}
	organization, _ := s.orgs.Of(set.Account)
	params := deploymentParameters(id, organization.Root, set.Region, nil)
	params.Set("RetainStacks", "false")
	if err := kernel.CallQuery(ctx, s, p, set.Region, "cloudformation", "DeleteStackInstances", params, nil); err != nil {
		return fmt.Errorf("delete the stacks of the StackSet %s: %w", id, err)
	}
	if _, err := s.WaitStackSet(ctx, id); err != nil {
		return err
	}
	if err := kernel.CallQuery(ctx, s, p, set.Region, "cloudformation", "DeleteStackSet", url.Values{"StackSetName": {id}}, nil); err != nil {
		return fmt.Errorf("delete the StackSet %s: %w", id, err)
	}
	return nil
}

// ownedSet returns a StackSet, and the principal that acts on it: that of the
// credentials, or the admin of the StackSet's account.
func (s *Sandbox) ownedSet(id string, as *Credentials) (StackSet, *kernel.Principal, error) {
	for _, set := range s.StackSets() {
		if set.ID == id {
			p, err := s.person(set.Account, set.Region, as)
			return set, p, err
		}
	}
	return StackSet{}, nil, fmt.Errorf("there is no StackSet %s", id)
}
