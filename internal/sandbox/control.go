// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Stack, StackEvent and StackResource describe a stack as its owner sees it.
type (
	Stack         = cloudformation.Stack
	StackEvent    = cloudformation.Event
	StackResource = cloudformation.Resource
)

// LaunchOptions are the choices that a person can make on the quick-create page.
type LaunchOptions struct {
	Region     string            // default: the link's
	StackName  string            // default: the link's
	Parameters map[string]string // edited values, which take precedence over the link's
	OnFailure  string            // ROLLBACK (default), DELETE or DO_NOTHING
	// Unacknowledged leaves the checkbox for the capabilities empty.
	Unacknowledged bool
	ServiceRole    string // the ARN of a role that CloudFormation acts as; default: the launching principal
	// As is the launching principal; default: the account's admin.
	As *Credentials
}

// LaunchURL does what a customer does with a quick-create link: it opens the link
// in an account's console, and presses "Create stack". It returns the stack's ID
// as soon as CloudFormation has accepted the stack; WaitStack waits until the
// stack is complete.
func (s *Sandbox) LaunchURL(ctx context.Context, link, account string, o LaunchOptions) (stackID string, err error) {
	q, err := parseQuickCreate(link, s.url)
	if err != nil {
		return "", err
	}
	return s.launch(ctx, q, account, o)
}

func (s *Sandbox) launch(ctx context.Context, q quickCreate, account string, o LaunchOptions) (string, error) {
	if o.Region != "" {
		q.region = o.Region
	}
	if o.StackName != "" {
		q.stackName = o.StackName
	}
	if q.stackName == "" {
		return "", errors.New("the link has no stack name: specify one")
	}
	p, err := s.person(account, q.region, o.As)
	if err != nil {
		return "", err
	}
	values := maps.Clone(q.parameters)
	maps.Copy(values, o.Parameters)
	preview, err := s.CloudFormation().Preview(ctx, p, q.region, q.templateURL, values)
	if err != nil {
		return "", fmt.Errorf("open the link as account %s: %w", account, err)
	}
	params := url.Values{"StackName": {q.stackName}, "TemplateURL": {q.templateURL}}
	addParameters(params, preview.Values, nil)
	if o.OnFailure != "" {
		params.Set("OnFailure", o.OnFailure)
	}
	if o.ServiceRole != "" {
		params.Set("RoleARN", o.ServiceRole)
	}
	if !o.Unacknowledged {
		addCapabilities(params, preview.Capabilities)
	}
	var result struct {
		StackID string `xml:"StackId"`
	}
	if err := kernel.CallQuery(ctx, s, p, q.region, "cloudformation", "CreateStack", params, &result); err != nil {
		return "", fmt.Errorf("create the stack %s in account %s: %w", q.stackName, account, err)
	}
	return result.StackID, nil
}

// WaitStack waits until no operation is under way in the stack, and returns it.
// The operation's outcome is the stack's status. WaitStack returns an error if the
// stack does not exist or ctx ends first.
func (s *Sandbox) WaitStack(ctx context.Context, stackID string) (Stack, error) {
	return s.WaitStackFor(ctx, stackID, Stack.Settled)
}

// WaitStackFor waits until wanted returns true for the stack, and returns it.
func (s *Sandbox) WaitStackFor(ctx context.Context, stackID string, wanted func(Stack) bool) (Stack, error) {
	st, err := s.CloudFormation().WaitFor(ctx, stackID, wanted)
	if err != nil {
		return st, fmt.Errorf("wait for the stack %s, which is %s: %w", stackID, st.Status, err)
	}
	return st, nil
}

// UpdateOptions are the changes of an update. Without TemplateURL and
// TemplateBody the template stays, and so does every parameter that is not given.
type UpdateOptions struct {
	TemplateURL  string
	TemplateBody string
	Parameters   map[string]string
	// Unacknowledged leaves the checkbox for the capabilities empty.
	Unacknowledged bool
	// As is the updating principal; default: the account's admin.
	As *Credentials
}

// UpdateStack starts an update of a stack. WaitStack waits until it is complete.
func (s *Sandbox) UpdateStack(ctx context.Context, stackID string, o UpdateOptions) error {
	st, p, err := s.owned(stackID, o.As)
	if err != nil {
		return err
	}
	params, err := s.updateParameters(ctx, p, st.Region, url.Values{"StackName": {stackID}}, st.Parameters, o)
	if err != nil {
		return fmt.Errorf("read the template to update the stack %s: %w", stackID, err)
	}
	if err := kernel.CallQuery(ctx, s, p, st.Region, "cloudformation", "UpdateStack", params, nil); err != nil {
		return fmt.Errorf("update the stack %s: %w", stackID, err)
	}
	return nil
}

// UpdateByURL does what a customer does with an update link: it opens the link in
// the console of the stack's account, and presses "Submit". It returns the stack,
// whose update has started.
func (s *Sandbox) UpdateByURL(ctx context.Context, link string, o UpdateOptions) (Stack, error) {
	q, err := parseUpdate(link, s.url)
	if err != nil {
		return Stack{}, err
	}
	st, found := s.Stack(q.stackID)
	if !found || st.Region != q.region {
		return Stack{}, fmt.Errorf("there is no stack %s in %s", q.stackID, q.region)
	}
	o.TemplateURL, o.TemplateBody = q.templateURL, ""
	if err := s.UpdateStack(ctx, st.ID, o); err != nil {
		return Stack{}, err
	}
	st, _ = s.Stack(st.ID)
	return st, nil
}

// updateParameters returns the parameters of UpdateStack or UpdateStackSet: every
// parameter in values that is not edited keeps its previous value. of names the
// stack or StackSet.
func (s *Sandbox) updateParameters(ctx context.Context, p *kernel.Principal, region string, of url.Values, values map[string]string, o UpdateOptions) (url.Values, error) {
	params, source := maps.Clone(of), url.Values{}
	switch {
	case o.TemplateURL != "":
		source.Set("TemplateURL", o.TemplateURL)
	case o.TemplateBody != "":
		source.Set("TemplateBody", o.TemplateBody)
	default:
		params.Set("UsePreviousTemplate", "true")
		source = of
	}
	maps.Copy(params, source)
	var template struct {
		Names        []string `xml:"Parameters>member>ParameterKey"`
		Capabilities []string `xml:"Capabilities>member"`
	}
	if err := kernel.CallQuery(ctx, s, p, region, "cloudformation", "GetTemplateSummary", source, &template); err != nil {
		return nil, err
	}
	var previous []string
	for _, name := range template.Names {
		_, edited := o.Parameters[name]
		if _, had := values[name]; had && !edited {
			previous = append(previous, name)
		}
	}
	addParameters(params, o.Parameters, previous)
	if !o.Unacknowledged {
		addCapabilities(params, template.Capabilities)
	}
	return params, nil
}

// DeleteStack starts to delete a stack. retain lists the logical IDs of resources
// to keep, which CloudFormation accepts only after a failed deletion.
func (s *Sandbox) DeleteStack(ctx context.Context, stackID string, retain ...string) error {
	st, p, err := s.owned(stackID, nil)
	if err != nil {
		return err
	}
	params := url.Values{"StackName": {stackID}}
	for i, id := range retain {
		params.Set("RetainResources.member."+strconv.Itoa(i+1), id)
	}
	if err := kernel.CallQuery(ctx, s, p, st.Region, "cloudformation", "DeleteStack", params, nil); err != nil {
		return fmt.Errorf("delete the stack %s: %w", stackID, err)
	}
	return nil
}

// ForgetStack deletes a stack as if the customer had retained its phone-home
// resource in a forced deletion: the vendor is not notified.
func (s *Sandbox) ForgetStack(_ context.Context, stackID string) error {
	_, p, err := s.owned(stackID, nil)
	if err != nil {
		return err
	}
	return s.CloudFormation().Forget(p, stackID)
}

// StackEvents returns a stack's events so far, oldest first.
func (s *Sandbox) StackEvents(stackID string) []StackEvent {
	return s.CloudFormation().Events(stackID)
}

// Stack returns a stack by its ID, even if it was deleted.
func (s *Sandbox) Stack(stackID string) (Stack, bool) { return s.CloudFormation().Describe(stackID) }

// Stacks returns all stacks of all accounts, including deleted ones.
func (s *Sandbox) Stacks() []Stack { return s.CloudFormation().All() }

// ForgedPublish publishes any message to a topic as the admin of an account, like
// an attacker in an account that may publish. The topic's policy applies.
func (s *Sandbox) ForgedPublish(ctx context.Context, account, topicARN, subject, message string) error {
	parts := strings.Split(topicARN, ":")
	if len(parts) != 6 {
		return fmt.Errorf("%q is not the ARN of a topic", topicARN)
	}
	p, err := s.person(account, parts[3], nil)
	if err != nil {
		return err
	}
	params := url.Values{"TopicArn": {topicARN}, "Message": {message}}
	if subject != "" {
		params.Set("Subject", subject)
	}
	return kernel.CallQuery(ctx, s, p, parts[3], "sns", "Publish", params, nil)
}

// CloudFormation returns the sandbox's CloudFormation.
func (s *Sandbox) CloudFormation() *cloudformation.Service {
	return s.services["cloudformation"].(*cloudformation.Service) // addServices creates it
}

// person returns the principal with the credentials as, or, if as is nil, the
// account's admin. If the account does not exist, it is created in the partition
// of the Region.
func (s *Sandbox) person(account, region string, as *Credentials) (*kernel.Principal, error) {
	if as != nil {
		return s.Principal(*as)
	}
	if err := s.openIn(account, region); err != nil {
		return nil, err
	}
	return s.Admin(account)
}

// openIn creates an account in a Region's partition, if it does not exist. It
// returns an error if the account exists in another partition.
func (s *Sandbox) openIn(account, region string) error {
	if err := s.OpenAccount(account, kernel.Partition(region)); err != nil {
		return fmt.Errorf("use the account %s in %s: %w", account, region, err)
	}
	return nil
}

// owned returns a stack, and the principal that acts on it: that of the
// credentials, or the admin of the stack's account.
func (s *Sandbox) owned(stackID string, as *Credentials) (Stack, *kernel.Principal, error) {
	st, found := s.Stack(stackID)
	if !found {
		return Stack{}, nil, fmt.Errorf("there is no stack %s", stackID)
	}
	p, err := s.person(st.Account, st.Region, as)
	return st, p, err
}

func addParameters(params url.Values, values map[string]string, previous []string) {
	n := 0
	for _, name := range slices.Sorted(maps.Keys(values)) {
		n++
		prefix := "Parameters.member." + strconv.Itoa(n)
		params.Set(prefix+".ParameterKey", name)
		params.Set(prefix+".ParameterValue", values[name])
	}
	for _, name := range previous {
		n++
		prefix := "Parameters.member." + strconv.Itoa(n)
		params.Set(prefix+".ParameterKey", name)
		params.Set(prefix+".UsePreviousValue", "true")
	}
}

func addCapabilities(params url.Values, capabilities []string) {
	for i, capability := range capabilities {
		params.Set("Capabilities.member."+strconv.Itoa(i+1), capability)
	}
}
