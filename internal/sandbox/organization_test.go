// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

const (
	management = "900000000000"
	first      = "900000000001"
	second     = "900000000002"
	newcomer   = "900000000003"
)

// company is a customer with an organization, whose accounts may publish to the
// vendor's topic by the organization's ID.
type company struct {
	*intake
	Organization
	client *cfn.Client
}

func newCompany(t *testing.T) *company {
	t.Helper()
	in := newIntake(t)
	o, err := in.box.NewOrganization(management, first, second)
	in.check(err)
	c := &company{intake: in, Organization: o, client: cfn.NewFromConfig(as(t, in.box, management))}
	c.publishers(`{"aws:PrincipalOrgID":"` + o.ID + `"}`)
	return c
}

// publishers sets the topic's policy, which lets accounts publish that meet the
// StringEquals condition equal.
func (c *company) publishers(equal string) {
	c.t.Helper()
	_, err := c.sns.SetTopicAttributes(c.t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: &c.topic, AttributeName: aws.String("Policy"),
		AttributeValue: aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"publishers","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sns:Publish","Resource":"` +
			c.topic + `","Condition":{"StringEquals":` + equal + `}}]}`),
	})
	c.check(err)
}

// launched deploys the link's template to the organization, and answers SUCCESS
// in each account.
func (c *company) launched(l StackSetLaunch) StackSet {
	c.t.Helper()
	l.Link = c.link
	set, err := c.box.LaunchStackSet(c.t.Context(), management, l)
	c.check(err)
	for range set.Instances {
		c.agree()
	}
	return c.done(set.ID)
}

// agree answers one request with SUCCESS, and returns the request's type and
// account.
func (c *company) agree() string {
	c.t.Helper()
	r := c.next()
	account := strings.Split(r["StackId"].(string), ":")[4]
	c.succeed(r, "xacct-"+account)
	return r["RequestType"].(string) + " " + account
}

// done waits until no operation is under way in a StackSet, and returns it.
func (c *company) done(id string) StackSet {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	set, err := c.box.WaitStackSet(ctx, id)
	c.check(err)
	return set
}

// state returns the account and status of each instance, one per word.
func state(set StackSet) string {
	var words []string
	for _, in := range set.Instances {
		words = append(words, in.Account+":"+in.Status+"/"+in.DetailedStatus)
	}
	return strings.Join(words, " ")
}

func TestAStackSetCreatesAStackInEveryMemberAccount(t *testing.T) {
	c := newCompany(t)
	set := c.launched(StackSetLaunch{})
	if got := state(set); got != first+":CURRENT/SUCCEEDED "+second+":CURRENT/SUCCEEDED" {
		t.Fatalf("the instances are %s", got)
	}
	for _, in := range set.Instances {
		st, _ := c.box.Stack(in.StackID)
		if st.Account != in.Account || !strings.HasPrefix(st.Name, "StackSet-acme-access-") || st.Parameters["ExternalId"] != "abc123" {
			t.Errorf("the stack is %+v", st)
		}
	}
	// The publisher is the member account's role that StackSets created.
	publishers := map[string]bool{}
	for _, e := range c.box.Journal().Since(0) {
		if e.Service == "sns" && e.Action == "Publish" {
			publishers[e.Account] = strings.Contains(e.Principal, ":assumed-role/stacksets-exec-")
		}
	}
	if len(publishers) != 2 || !publishers[first] || !publishers[second] {
		t.Errorf("the publishers are %v", publishers)
	}
}

func TestOnlyAccountsOfTheOrganizationMayPublishByItsID(t *testing.T) {
	c := newCompany(t)
	for account, allowed := range map[string]bool{first: true, management: true, customer: false} {
		err := c.box.ForgedPublish(t.Context(), account, c.topic, "", "hello")
		if (err == nil) != allowed {
			t.Errorf("account %s: %v", account, err)
		}
	}
	c.check(c.box.LeaveOrganization(first))
	if err := c.box.ForgedPublish(t.Context(), first, c.topic, "", "hello"); err == nil {
		t.Error("an account that has left may still publish")
	}
	c.publishers(`{"aws:PrincipalOrgPaths":"` + c.ID + `/` + c.Root + `/"}`)
	if err := c.box.ForgedPublish(t.Context(), second, c.topic, "", "hello"); err == nil || !strings.Contains(err.Error(), "aws:PrincipalOrgPaths") {
		t.Errorf("a condition key that the sandbox does not implement: %v", err)
	}
}

func TestAutomaticDeploymentFollowsAccountsThatJoinAndLeave(t *testing.T) {
	c := newCompany(t)
	set := c.launched(StackSetLaunch{})
	c.check(c.box.JoinOrganization(c.ID, newcomer))
	if got := c.agree(); got != "Create "+newcomer {
		t.Errorf("the vendor was asked to %s", got)
	}
	if got := state(c.done(set.ID)); !strings.Contains(got, newcomer+":CURRENT/SUCCEEDED") {
		t.Errorf("the instances are %s", got)
	}
	// The stack of an account that has left cannot publish by the organization's
	// ID, but by its account ID.
	c.publishers(`{"aws:PrincipalAccount":["` + newcomer + `"]}`)
	c.check(c.box.LeaveOrganization(newcomer))
	if got := c.agree(); got != "Delete "+newcomer {
		t.Errorf("the vendor was asked to %s", got)
	}
	if got := state(c.done(set.ID)); strings.Contains(got, newcomer) {
		t.Errorf("the instances are %s", got)
	}
	c.check(c.box.LeaveOrganization(second))
	if got := state(c.done(set.ID)); !strings.Contains(got, second+":INOPERABLE/INOPERABLE") {
		t.Errorf("an account whose stack could not be deleted: the instances are %s", got)
	}
}

func TestAStackSetMayRetainTheStacksOfAccountsThatLeave(t *testing.T) {
	c := newCompany(t)
	set := c.launched(StackSetLaunch{Retain: true})
	id := set.Instances[0].StackID
	c.check(c.box.LeaveOrganization(first))
	if got := state(c.done(set.ID)); got != second+":CURRENT/SUCCEEDED" {
		t.Errorf("the instances are %s", got)
	}
	if st, _ := c.box.Stack(id); st.Status != "CREATE_COMPLETE" {
		t.Errorf("the stack is %s", st.Status)
	}
}

func TestWithoutAutomaticDeploymentNewAccountsGetNoStack(t *testing.T) {
	c := newCompany(t)
	set := c.launched(StackSetLaunch{Manual: true, Accounts: []string{second, management}})
	c.check(c.box.JoinOrganization(c.ID, newcomer))
	c.check(c.box.LeaveOrganization(second))
	if got := state(c.done(set.ID)); got != second+":CURRENT/SUCCEEDED" {
		t.Errorf("the instances are %s", got)
	}
}

func TestAFailedAccountShowsTheReasonAndCanBeRetried(t *testing.T) {
	c := newCompany(t)
	set, err := c.box.LaunchStackSet(t.Context(), management, StackSetLaunch{Link: c.link})
	c.check(err)
	for range 3 {
		r := c.next() // two Creates, and the Delete of the one that is refused
		if strings.Contains(r["StackId"].(string), second) && r["RequestType"] == "Create" {
			answer := answerTo(r, "refused")
			answer["Status"], answer["Reason"] = "FAILED", "Acme does not know this account."
			c.put(r["ResponseURL"].(string), answer)
			continue
		}
		c.succeed(r, "xacct")
	}
	set = c.done(set.ID)
	if got := state(set); got != first+":CURRENT/SUCCEEDED "+second+":OUTDATED/FAILED" {
		t.Fatalf("the instances are %s", got)
	}
	if reason := set.Instances[1].StatusReason; !strings.Contains(reason, "ResourceLogicalId:PhoneHome") || !strings.Contains(reason, "Acme does not know this account.") {
		t.Errorf("the reason is %q", reason)
	}
	_, err = c.client.CreateStackInstances(t.Context(), &cfn.CreateStackInstancesInput{
		StackSetName: &set.Name, Regions: []string{"eu-west-1"}, DeploymentTargets: &cfntypes.DeploymentTargets{OrganizationalUnitIds: []string{c.Root}},
	})
	c.check(err)
	if got := c.agree(); got != "Create "+second {
		t.Errorf("the vendor was asked to %s", got)
	}
	if got := state(c.done(set.ID)); got != first+":CURRENT/SUCCEEDED "+second+":CURRENT/SUCCEEDED" {
		t.Errorf("the instances are %s", got)
	}
}

func TestByDefaultTheFirstFailureCancelsTheRest(t *testing.T) {
	c := newCompany(t)
	_, err := c.client.CreateStackSet(t.Context(), c.input("cautious"))
	c.check(err)
	c.publishers(`{"aws:PrincipalAccount":["` + second + `"]}`) // so that the first cannot publish
	created, err := c.client.CreateStackInstances(t.Context(), &cfn.CreateStackInstancesInput{
		StackSetName: aws.String("cautious"), Regions: []string{"eu-west-1"}, DeploymentTargets: &cfntypes.DeploymentTargets{OrganizationalUnitIds: []string{c.Root}},
	})
	c.check(err)
	set, _ := c.box.CloudFormation().StackSet(management, "eu-west-1", "cautious")
	if got := state(c.done(set.ID)); got != first+":OUTDATED/FAILED "+second+":OUTDATED/CANCELLED" {
		t.Errorf("the instances are %s", got)
	}
	operation, err := c.client.DescribeStackSetOperation(t.Context(), &cfn.DescribeStackSetOperationInput{StackSetName: &set.ID, OperationId: created.OperationId})
	c.check(err)
	if o := operation.StackSetOperation; o.Status != cfntypes.StackSetOperationStatusFailed || aws.ToInt32(o.StatusDetails.FailedStackInstancesCount) != 1 {
		t.Errorf("the operation is %+v", o)
	}
	results, err := c.client.ListStackSetOperationResults(t.Context(), &cfn.ListStackSetOperationResultsInput{StackSetName: &set.ID, OperationId: created.OperationId})
	c.check(err)
	if r := results.Summaries; len(r) != 2 || !strings.Contains(aws.ToString(r[0].StatusReason), "not authorized to perform: SNS:Publish") || r[1].Status != cfntypes.StackSetOperationResultStatusCancelled {
		t.Errorf("the results are %+v", r)
	}
}

func (c *company) input(name string) *cfn.CreateStackSetInput {
	return &cfn.CreateStackSetInput{
		StackSetName: &name, TemplateBody: aws.String(onboardingTemplate), PermissionModel: cfntypes.PermissionModelsServiceManaged,
		AutoDeployment: &cfntypes.AutoDeployment{Enabled: aws.Bool(true), RetainStacksOnAccountRemoval: aws.Bool(false)},
		Capabilities:   []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
		Parameters:     []cfntypes.Parameter{{ParameterKey: aws.String("ExternalId"), ParameterValue: aws.String("abc")}},
	}
}

func TestTheSDKsStackSetCallsWork(t *testing.T) {
	c := newCompany(t)
	set := c.launched(StackSetLaunch{})
	ctx := t.Context()
	described, err := c.client.DescribeStackSet(ctx, &cfn.DescribeStackSetInput{StackSetName: &set.Name})
	c.check(err)
	if d := described.StackSet; aws.ToString(d.StackSetId) != set.ID || d.Status != cfntypes.StackSetStatusActive || !aws.ToBool(d.AutoDeployment.Enabled) ||
		!slices.Equal(d.OrganizationalUnitIds, []string{c.Root}) || !slices.Equal(d.Regions, []string{"eu-west-1"}) || len(d.Parameters) != 2 {
		t.Errorf("the StackSet is %+v", d)
	}
	page, err := c.client.ListStackInstances(ctx, &cfn.ListStackInstancesInput{StackSetName: &set.Name, MaxResults: aws.Int32(1)})
	c.check(err)
	rest, err := c.client.ListStackInstances(ctx, &cfn.ListStackInstancesInput{StackSetName: &set.Name, NextToken: page.NextToken})
	c.check(err)
	if len(page.Summaries) != 1 || len(rest.Summaries) != 1 || rest.Summaries[0].StackInstanceStatus.DetailedStatus != cfntypes.StackInstanceDetailedStatusSucceeded ||
		aws.ToString(rest.Summaries[0].Account) != second || rest.Summaries[0].Status != cfntypes.StackInstanceStatusCurrent {
		t.Errorf("the instances are %+v, %+v", page.Summaries, rest.Summaries)
	}
	one, err := c.client.DescribeStackInstance(ctx, &cfn.DescribeStackInstanceInput{StackSetName: &set.Name, StackInstanceAccount: aws.String(first), StackInstanceRegion: aws.String("eu-west-1")})
	if err != nil || aws.ToString(one.StackInstance.StackId) != set.Instances[0].StackID {
		t.Errorf("the instance is %+v, %v", one, err)
	}
	c.check(c.box.UpdateStackSet(ctx, set.ID, UpdateOptions{Parameters: map[string]string{"Version": "2"}}))
	updates := []string{c.agree(), c.agree()}
	slices.Sort(updates)
	if !slices.Equal(updates, []string{"Update " + first, "Update " + second}) {
		t.Errorf("the vendor was asked to %v", updates)
	}
	c.done(set.ID)
	operations, err := c.client.ListStackSetOperations(ctx, &cfn.ListStackSetOperationsInput{StackSetName: &set.Name})
	c.check(err)
	if o := operations.Summaries; len(o) != 2 || o[0].Action != cfntypes.StackSetOperationActionUpdate || o[0].Status != cfntypes.StackSetOperationStatusSucceeded {
		t.Errorf("the operations are %+v", o)
	}
	deleted := make(chan error, 1)
	go func() { deleted <- c.box.DeleteStackSet(ctx, set.ID) }()
	c.agree()
	c.agree()
	c.check(<-deleted)
	sets, err := c.client.ListStackSets(ctx, &cfn.ListStackSetsInput{Status: cfntypes.StackSetStatusDeleted})
	if err != nil || len(sets.Summaries) != 1 {
		t.Errorf("the StackSets are %+v, %v", sets, err)
	}
}

func TestStackSetErrorsHaveTheSDKsCodes(t *testing.T) {
	c := newCompany(t)
	set := c.launched(StackSetLaunch{})
	ctx := t.Context()
	create := func(client *cfn.Client, change func(*cfn.CreateStackSetInput)) func() error {
		return func() error {
			in := c.input("other")
			change(in)
			_, err := client.CreateStackSet(ctx, in)
			return err
		}
	}
	instances := func(change func(*cfn.CreateStackInstancesInput)) func() error {
		return func() error {
			in := &cfn.CreateStackInstancesInput{
				StackSetName: &set.Name, Regions: []string{"eu-west-1"}, DeploymentTargets: &cfntypes.DeploymentTargets{OrganizationalUnitIds: []string{c.Root}},
			}
			change(in)
			_, err := c.client.CreateStackInstances(ctx, in)
			return err
		}
	}
	outsider := cfn.NewFromConfig(as(t, c.box, customer))
	for name, step := range map[string]struct {
		call func() error
		code string
	}{
		"a name that is in use": {create(c.client, func(in *cfn.CreateStackSetInput) { in.StackSetName = &set.Name }), "NameAlreadyExistsException"},
		"no organization":       {create(outsider, func(*cfn.CreateStackSetInput) {}), "ValidationError"},
		"self-managed":          {create(c.client, func(in *cfn.CreateStackSetInput) { in.PermissionModel = "" }), "ValidationError"},
		"no capabilities":       {create(c.client, func(in *cfn.CreateStackSetInput) { in.Capabilities = nil }), "InsufficientCapabilitiesException"},
		"a missing parameter":   {create(c.client, func(in *cfn.CreateStackSetInput) { in.Parameters = nil }), "ValidationError"},
		"an unsupported option": {create(c.client, func(in *cfn.CreateStackSetInput) { in.ExecutionRoleName = aws.String("own") }), "ValidationError"},
		"an unknown unit": {instances(func(in *cfn.CreateStackInstancesInput) {
			in.DeploymentTargets.OrganizationalUnitIds = []string{"ou-none-12345678"}
		}), "ValidationError"},
		"accounts without units": {instances(func(in *cfn.CreateStackInstancesInput) {
			in.DeploymentTargets = &cfntypes.DeploymentTargets{Accounts: []string{first}}
		}), "ValidationError"},
		"accounts without a filter": {instances(func(in *cfn.CreateStackInstancesInput) { in.DeploymentTargets.Accounts = []string{first} }), "ValidationError"},
		"an unknown StackSet": {func() error {
			_, err := c.client.DescribeStackSet(ctx, &cfn.DescribeStackSetInput{StackSetName: aws.String("absent")})
			return err
		}, "StackSetNotFoundException"},
		"an unknown operation": {func() error {
			_, err := c.client.DescribeStackSetOperation(ctx, &cfn.DescribeStackSetOperationInput{StackSetName: &set.Name, OperationId: aws.String("none")})
			return err
		}, "OperationNotFoundException"},
		"a StackSet with stacks": {func() error {
			_, err := c.client.DeleteStackSet(ctx, &cfn.DeleteStackSetInput{StackSetName: &set.Name})
			return err
		}, "StackSetNotEmptyException"},
	} {
		var known smithy.APIError
		if err := step.call(); !errors.As(err, &known) || known.ErrorCode() != step.code {
			t.Errorf("%s: %v, want %s", name, err, step.code)
		}
	}
}

func TestAStackSetRunsOneOperationAtATime(t *testing.T) {
	c := newCompany(t)
	set, err := c.box.LaunchStackSet(t.Context(), management, StackSetLaunch{Link: c.link})
	c.check(err)
	err = c.box.UpdateStackSet(t.Context(), set.ID, UpdateOptions{Parameters: map[string]string{"Version": "2"}})
	if err == nil || !strings.Contains(err.Error(), "OperationInProgressException") {
		t.Errorf("a second operation: %v", err)
	}
	// The deployment to an account that joins meanwhile waits for the first one.
	c.check(c.box.JoinOrganization(c.ID, newcomer))
	for range 3 {
		c.agree()
	}
	if got := state(c.done(set.ID)); strings.Count(got, "CURRENT/SUCCEEDED") != 3 {
		t.Errorf("the instances are %s", got)
	}
}

func TestOrganizationsCanBeControlledFromAnotherProcess(t *testing.T) {
	c := newCompany(t)
	ctx, client := t.Context(), Client{URL: c.box.URL()}
	other, err := client.NewOrganization(ctx, OrganizationRequest{Management: "800000000000", Members: []string{"800000000001"}})
	c.check(err)
	c.check(client.JoinOrganization(ctx, other.ID, "800000000002"))
	c.check(client.LeaveOrganization(ctx, "800000000001"))
	all, err := client.Organizations(ctx)
	if err != nil || len(all) != 2 || !slices.ContainsFunc(all, func(o Organization) bool { return slices.Equal(o.Members, []string{"800000000002"}) }) {
		t.Errorf("the organizations are %+v, %v", all, err)
	}
	_, err = client.LaunchStackSet(ctx, StackSetRequest{Management: management, StackSetLaunch: StackSetLaunch{Link: c.link, Accounts: []string{first}}})
	c.check(err)
	c.agree()
	set, err := client.FindStackSet(ctx, "acme-access")
	c.check(err)
	if set, err = client.WaitStackSet(ctx, set.ID); err != nil || state(set) != first+":CURRENT/SUCCEEDED" {
		t.Errorf("the StackSet is %+v, %v", set, err)
	}
	deleted := make(chan error, 1)
	go func() { deleted <- client.DeleteStackSet(ctx, set.ID) }()
	c.agree()
	c.check(<-deleted)
	if _, err := client.FindStackSet(ctx, "acme-access"); err == nil {
		t.Error("a deleted StackSet was found by its name")
	}
}

func TestAServiceControlPolicyThatDeniesKeepsAStackFromPhoningHome(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	client := Client{URL: c.box.URL()}
	deny := json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sns:Publish","Resource":"*","Condition":{"StringNotEquals":{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}}}}`)
	id, err := client.AttachServiceControlPolicy(t.Context(), ServiceControlRequest{Organization: c.ID, Account: first, Policy: deny})
	c.check(err)
	stack, err := c.box.LaunchURL(t.Context(), c.link, first, LaunchOptions{})
	c.check(err)
	c.settled(stack, "ROLLBACK_COMPLETE")
	if events := c.events(stack); !strings.Contains(events, "with an explicit deny in a service control policy") {
		t.Errorf("the events are\n%s", events)
	}
	c.check(c.box.DeleteStack(t.Context(), stack))
	c.settled(stack, "DELETE_COMPLETE")
	// The policy applies only to that account, and only while it is attached.
	stack, err = c.box.LaunchURL(t.Context(), c.link, second, LaunchOptions{})
	c.check(err)
	c.agree()
	c.settled(stack, "CREATE_COMPLETE")
	c.check(client.DetachServiceControlPolicy(t.Context(), id))
	stack, err = c.box.LaunchURL(t.Context(), c.link, first, LaunchOptions{})
	c.check(err)
	c.agree()
	c.settled(stack, "CREATE_COMPLETE")
	for name, q := range map[string]ServiceControlRequest{
		"a policy that allows":    {Organization: c.ID, Policy: json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)},
		"a malformed policy":      {Organization: c.ID, Policy: json.RawMessage(`{}`)},
		"an unknown organization": {Organization: "o-none", Policy: deny},
		"another account":         {Organization: c.ID, Account: customer, Policy: deny},
	} {
		if _, err := client.AttachServiceControlPolicy(t.Context(), q); err == nil {
			t.Errorf("%s was attached", name)
		}
	}
}

func TestAClosedAccountCannotBeReopened(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	client := Client{URL: c.box.URL()}
	c.check(client.CloseAccount(t.Context(), first))
	if err := client.CloseAccount(t.Context(), first); err == nil {
		t.Error("an account was closed twice")
	}
	if _, err := c.box.LaunchURL(t.Context(), c.link, first, LaunchOptions{}); err == nil || !strings.Contains(err.Error(), "is closed") {
		t.Errorf("a closed account launches a stack: %v", err)
	}
	if err := c.box.OpenAccount(first, "aws"); err == nil {
		t.Error("a closed account was opened again")
	}
}

func TestAStackSetWaitsForItsRoleToSettle(t *testing.T) {
	c := newCompany(t)
	c.box.IAM().Settle(20 * time.Second)
	c.box.Clock().SetRate(100)
	if got := state(c.launched(StackSetLaunch{})); strings.Count(got, "CURRENT/SUCCEEDED") != 2 {
		t.Errorf("the instances are %s", got)
	}
}

func TestAStackSetSkipsAClosedAccount(t *testing.T) {
	c := newCompany(t)
	c.box.IAM().CloseAccount(first)
	set, err := c.box.LaunchStackSet(t.Context(), management, StackSetLaunch{Link: c.link})
	c.check(err)
	if got := c.agree(); got != "Create "+second {
		t.Errorf("the vendor was asked to %s", got)
	}
	if got := state(c.done(set.ID)); got != first+":OUTDATED/SKIPPED_SUSPENDED_ACCOUNT "+second+":CURRENT/SUCCEEDED" {
		t.Errorf("the instances are %s", got)
	}
}

func TestTheManagementAccountCanDescribeItsOrganization(t *testing.T) {
	c := newCompany(t)
	ask := func(account, action string, params, out any) string {
		p, err := c.box.Admin(account)
		c.check(err)
		return code(asSDK(kernel.CallJSON(t.Context(), c.box, p, "us-east-1", "organizations", "AWSOrganizationsV20161128", action, params, out)))
	}
	var roots struct{ Roots []struct{ Id, Arn string } }
	if got := ask(management, "ListRoots", struct{}{}, &roots); got != "" || roots.Roots[0].Id != c.Root ||
		roots.Roots[0].Arn != "arn:aws:organizations::"+management+":root/"+c.ID+"/"+c.Root {
		t.Errorf("the roots are %+v (%s)", roots, got)
	}
	var described struct {
		Organization struct{ Id, MasterAccountId string }
	}
	if got := ask(first, "DescribeOrganization", struct{}{}, &described); got != "" || described.Organization.Id != c.ID || described.Organization.MasterAccountId != management {
		t.Errorf("the organization is %+v (%s)", described, got)
	}
	var accounts struct{ Accounts []struct{ Id string } }
	if got := ask(management, "ListAccounts", struct{}{}, &accounts); got != "" || len(accounts.Accounts) != 3 {
		t.Errorf("the accounts are %+v (%s)", accounts, got)
	}
	for want, got := range map[string]string{
		"AccessDeniedException":             ask(first, "ListRoots", struct{}{}, nil),
		"AWSOrganizationsNotInUseException": ask(customer, "ListRoots", struct{}{}, nil),
		"InvalidInputException":             ask(management, "ListRoots", map[string]int{"MaxResults": 1}, nil),
		"UnknownOperationException":         ask(management, "CreateOrganization", struct{}{}, nil),
	} {
		if got != want {
			t.Errorf("the code is %q, want %s", got, want)
		}
	}
}

// asSDK returns an error of a call inside the sandbox as an SDK returns it.
func asSDK(err error) error {
	var known *kernel.Error
	if errors.As(err, &known) {
		return &smithy.GenericAPIError{Code: known.Code, Message: known.Message}
	}
	return err
}

// TestAStackCanCreateAStackSet creates the stack in the management account, and as
// a delegated administrator, with CallAs in the template.
func TestAStackCanCreateAStackSet(t *testing.T) {
	for callAs, by := range map[string]string{"SELF": management, "DELEGATED_ADMIN": first} {
		t.Run(callAs, func(t *testing.T) {
			c := newCompany(t)
			if by != management {
				p, err := c.box.Admin(management)
				c.check(err)
				c.check(kernel.CallJSON(t.Context(), c.box, p, "us-east-1", "organizations", "AWSOrganizationsV20161128", "RegisterDelegatedAdministrator",
					map[string]string{"AccountId": by, "ServicePrincipal": "member.org.stacksets.cloudformation.amazonaws.com"}, nil))
			}
			created, err := cfn.NewFromConfig(as(t, c.box, by)).CreateStack(t.Context(), &cfn.CreateStackInput{
				StackName: aws.String("everywhere"), TemplateBody: aws.String(stackSetTemplate),
				Parameters: []cfntypes.Parameter{
					{ParameterKey: aws.String("OrganizationalUnitIds"), ParameterValue: &c.Root}, {ParameterKey: aws.String("CallAs"), ParameterValue: &callAs},
				},
			})
			c.check(err)
			c.agree()
			c.agree()
			c.settled(*created.StackId, "CREATE_COMPLETE")
			set, found := c.box.CloudFormation().StackSet(management, "eu-west-1", "acme-access")
			if got := state(set); !found || got != first+":CURRENT/SUCCEEDED "+second+":CURRENT/SUCCEEDED" {
				t.Errorf("the instances are %s", got)
			}
			c.check(c.box.DeleteStack(t.Context(), *created.StackId))
			c.agree()
			c.agree()
			c.settled(*created.StackId, "DELETE_COMPLETE")
			if _, found := c.box.CloudFormation().StackSet(management, "eu-west-1", "acme-access"); found {
				t.Error("the StackSet still exists")
			}
		})
	}
}

// stackSetTemplate is the template of a stack with a StackSet.
const stackSetTemplate = `
Parameters: {OrganizationalUnitIds: {Type: CommaDelimitedList}, CallAs: {Type: String}}
Resources:
  StackSet:
    Type: AWS::CloudFormation::StackSet
    Properties:
      StackSetName: acme-access
      CallAs: !Ref CallAs
      PermissionModel: SERVICE_MANAGED
      Capabilities: [CAPABILITY_NAMED_IAM]
      TemplateURL: https://acme-templates.s3.eu-west-1.amazonaws.com/templates/a.yaml
      AutoDeployment: {Enabled: true, RetainStacksOnAccountRemoval: false}
      OperationPreferences: {FailureTolerancePercentage: 100, MaxConcurrentPercentage: 25}
      Parameters: [{ParameterKey: ExternalId, ParameterValue: abc123}]
      StackInstancesGroup:
        - Regions: [eu-west-1]
          DeploymentTargets: {OrganizationalUnitIds: !Ref OrganizationalUnitIds}
`
