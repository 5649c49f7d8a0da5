// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

func TestALaunchedLinkCreatesAStackThatPhonesHome(t *testing.T) {
	in := newIntake(t)
	id := in.launch(LaunchOptions{})
	r := in.next()
	properties := r["ResourceProperties"].(map[string]any)
	if r["RequestType"] != "Create" || properties["RoleArn"] != "arn:aws:iam::222222222222:role/acme-access" || properties["ServiceTimeout"] != "900" {
		t.Errorf("the request is %v", r)
	}
	in.succeed(r, "xacct-1")
	in.settled(id, "CREATE_COMPLETE")

	in.check(in.box.UpdateStack(t.Context(), id, UpdateOptions{Parameters: map[string]string{"Version": "2"}}))
	u := in.next()
	if u["RequestType"] != "Update" || u["OldResourceProperties"].(map[string]any)["Version"] != "1" {
		t.Errorf("the request is %v", u)
	}
	in.succeed(u, "xacct-1")
	in.settled(id, "UPDATE_COMPLETE")

	in.check(in.box.DeleteStack(t.Context(), id))
	d := in.next()
	if d["RequestType"] != "Delete" || d["PhysicalResourceId"] != "xacct-1" {
		t.Errorf("the request is %v", d)
	}
	in.succeed(d, "xacct-1")
	in.settled(id, "DELETE_COMPLETE")
}

func TestAForgedResponseURLIsRefusedAndTheGenuineOneIsAccepted(t *testing.T) {
	in := newIntake(t)
	id := in.launch(LaunchOptions{})
	r := in.next()
	genuine := r["ResponseURL"].(string)
	for name, forged := range map[string]string{
		"a signature by another key": strings.Replace(genuine, "X-Amz-Signature=", "X-Amz-Signature=0", 1),
		"another resource":           strings.Replace(genuine, "PhoneHome", "PhoneHame", 1),
		"a later expiry":             strings.Replace(genuine, "X-Amz-Expires=7", "X-Amz-Expires=8", 1),
		"no signature":               genuine[:strings.Index(genuine, "?")],
	} {
		if forged == genuine {
			t.Fatalf("%s: the forged URL equals the genuine one: %s", name, genuine)
		}
		if status := in.put(forged, answerTo(r, "forged")); status != http.StatusForbidden {
			t.Errorf("%s: the answer is %d", name, status)
		}
	}
	in.succeed(r, "xacct-1")
	in.succeed(r, "second") // S3 accepts it, but CloudFormation ignores it
	in.settled(id, "CREATE_COMPLETE")
	if st, _ := in.box.Stack(id); st.Resources[0].PhysicalID != "xacct-1" {
		t.Errorf("the resources are %+v", st.Resources)
	}
}

func TestACustomerWithoutPermissionToPublishSeesTheReason(t *testing.T) {
	in := newIntake(t)
	in.allow("333333333333")
	in.check(in.box.OpenAccount("333333333333", "aws"))
	id := in.launch(LaunchOptions{})
	in.settled(id, "ROLLBACK_COMPLETE")
	if events := in.events(id); !strings.Contains(events, "not authorized to perform: SNS:Publish") || !strings.Contains(events, "Service: AmazonSNS; Status Code: 403; Error Code: AuthorizationError") {
		t.Errorf("the events are\n%s", events)
	}
}

func TestAStackInAnotherRegionHasNoTopic(t *testing.T) {
	in := newIntake(t)
	id := in.launch(LaunchOptions{Region: "us-west-2"})
	in.settled(id, "ROLLBACK_COMPLETE")
	if events := in.events(id); !strings.Contains(events, "PhoneHome CREATE_FAILED") || !strings.Contains(events, "Service: AmazonSNS") {
		t.Errorf("the events are\n%s", events)
	}
}

func TestATopicOfAnotherRegionIsRefusedBySNS(t *testing.T) {
	in := newIntake(t)
	p, err := in.box.Admin(customer)
	in.check(err)
	params := url.Values{
		"StackName": {"far"}, "Capabilities.member.1": {"CAPABILITY_NAMED_IAM"},
		"TemplateBody": {strings.Replace(onboardingTemplate, "${AWS::Region}:111111111111", "eu-west-1:111111111111", 1)},
	}
	addParameters(params, map[string]string{"ExternalId": "abc"}, nil)
	var created struct {
		StackID string `xml:"StackId"`
	}
	in.check(kernel.CallQuery(t.Context(), in.box, p, "us-west-2", "cloudformation", "CreateStack", params, &created))
	in.settled(created.StackID, "ROLLBACK_COMPLETE")
	want := "Invalid parameter: TopicArn (Service: AmazonSNS; Status Code: 400; Error Code: InvalidParameter"
	if events := in.events(created.StackID); !strings.Contains(events, want) {
		t.Errorf("the events are\n%s", events)
	}
}

func TestAPersonWithoutPermissionToCreateRolesSeesTheReason(t *testing.T) {
	in := newIntake(t)
	developer, err := in.box.NewUser(customer, "developer",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:*","s3:GetObject","sns:Publish"],"Resource":"*"}]}`)
	in.check(err)
	id := in.launch(LaunchOptions{As: &developer})
	in.settled(id, "ROLLBACK_COMPLETE")
	if events := in.events(id); !strings.Contains(events, "user/developer is not authorized to perform: iam:CreateRole") || !strings.Contains(events, "HandlerErrorCode: AccessDenied") {
		t.Errorf("the events are\n%s", events)
	}
}

func TestTheConsoleRefusesInvalidLaunches(t *testing.T) {
	in := newIntake(t)
	for name, test := range map[string]struct {
		link    string
		options LaunchOptions
		want    string
	}{
		"an unreadable template": {strings.Replace(in.link, "templates%2Fa.yaml", "private.yaml", 1), LaunchOptions{}, "TemplateURL must reference a valid S3 object to which you have access."},
		"an empty checkbox":      {in.link, LaunchOptions{Unacknowledged: true}, "Requires capabilities : [CAPABILITY_NAMED_IAM]"},
		"a missing parameter":    {strings.Replace(in.link, "param_ExternalId", "param_externalid", 1), LaunchOptions{}, "Parameters: [ExternalId] must have values"},
		"no stack name":          {strings.Replace(in.link, "stackName", "stackname", 1), LaunchOptions{}, "no stack name"},
	} {
		if _, err := in.box.LaunchURL(t.Context(), test.link, customer, test.options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v, want %q", name, err, test.want)
		}
	}
	if len(in.box.Stacks()) != 0 {
		t.Error("a refused launch left a stack")
	}
}

func TestTheTopicsPolicyAppliesToAForgedMessage(t *testing.T) {
	in := newIntake(t)
	in.check(in.box.ForgedPublish(t.Context(), customer, in.topic, "AWS CloudFormation custom resource request", `{"RequestType": "Delete"}`))
	if r := in.next(); r["RequestType"] != "Delete" {
		t.Errorf("the message is %v", r)
	}
	err := in.box.ForgedPublish(t.Context(), "999999999999", in.topic, "", "x")
	if err == nil || !strings.Contains(err.Error(), "AuthorizationError") {
		t.Errorf("the error is %v", err)
	}
}

func TestTheControlAPIOffersTheGoMethods(t *testing.T) {
	in := newIntake(t)
	client := Client{URL: in.box.URL()}
	ctx := t.Context()
	st, err := client.Launch(ctx, LaunchRequest{URL: in.link, Account: customer})
	in.check(err)
	go func() { in.succeed(in.next(), "xacct-1") }()
	var last StackEvent
	in.check(client.Follow(ctx, st.ID, func(e StackEvent) { last = e }))
	if last.LogicalResourceID != "acme-access" || last.ResourceStatus != "CREATE_COMPLETE" {
		t.Errorf("the last event is %+v", last)
	}
	stacks, err := client.Stacks(ctx)
	if err != nil || len(stacks) != 1 || stacks[0].ID != st.ID {
		t.Errorf("the stacks are %v, %v", stacks, err)
	}
	counts, err := client.Counts(ctx, 0)
	if err != nil || counts["cloudformation:CreateStack"] != 1 || counts["sns:Publish"] != 1 {
		t.Errorf("the counts are %v, %v", counts, err)
	}
	environment, err := client.Environment(ctx, customer, "eu-west-1")
	if err != nil || environment["AWS_ENDPOINT_URL"] != in.box.URL() || environment["AWS_ACCESS_KEY_ID"] == "" {
		t.Errorf("the environment is %v, %v", environment, err)
	}
	before := in.box.Clock().Now()
	in.check(client.Advance(ctx, "24h"))
	if moved := in.box.Clock().Now().Sub(before); moved < 24*time.Hour {
		t.Errorf("the clock moved by %v", moved)
	}
	in.check(client.Forget(ctx, st.ID))
	if got, err := client.WaitStack(ctx, st.ID); err != nil || got.Status != "DELETE_COMPLETE" {
		t.Errorf("the stack is %+v, %v", got, err)
	}
	if _, err := client.Launch(ctx, LaunchRequest{URL: "https://example.org", Account: customer}); err == nil || !strings.Contains(err.Error(), "not a quick-create link") {
		t.Errorf("the error is %v", err)
	}
	if err := client.Delete(ctx, "arn:nothing"); err == nil || !strings.Contains(err.Error(), "there is no stack arn:nothing") {
		t.Errorf("the error is %v", err)
	}
}

func TestAPageOfAnotherOriginCannotCallTheControlAPI(t *testing.T) {
	box := start(t)
	for _, path := range []string{"/_sandbox/clock", "/console/cloudformation/stacks/delete"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, box.URL()+path, strings.NewReader(`{"advance": "1h"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("%s answered %d", path, response.StatusCode)
		}
	}
}

func TestAPersonLaunchesAndDeletesAStackInTheConsole(t *testing.T) {
	in := newIntake(t)
	link := strings.Replace(in.link, "https://eu-west-1.console.aws.amazon.com", in.box.URL()+"/console", 1)
	base, fragment, _ := strings.Cut(link, "#")
	if page, script := in.get(base), in.get(in.box.URL()+"/console/home.js"); !strings.Contains(page, `src="/console/home.js"`) || !strings.Contains(script, "location.hash") {
		t.Errorf("the script that reads the fragment is missing:\n%s\n%s", page, script)
	}
	route, query, _ := strings.Cut(fragment, "?")
	review := in.box.URL() + "/console/cloudformation" + route + "?region=eu-west-1&" + query
	if page := in.get(review); !strings.Contains(page, "Which customer are you?") {
		t.Errorf("the console must first ask for the account:\n%s", page)
	}
	page := in.get(review + "&account=" + customer)
	for _, want := range []string{
		"Acme may read your logs.", "From Acme", "The external ID", `value="abc123"`, "Role acme-access", "logs:Get*",
		"arn:aws:sns:eu-west-1:111111111111:xacct-acme-0", "I acknowledge that CloudFormation might create IAM resources with custom names",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not contain %q:\n%s", want, page)
		}
	}
	form := url.Values{
		"account": {customer}, "region": {"eu-west-1"}, "stackName": {"acme-access"}, "param_ExternalId": {"abc123"},
		"templateURL": {"https://acme-templates.s3.eu-west-1.amazonaws.com/templates/a.yaml"},
	}
	if page := in.post(in.box.URL()+"/console/cloudformation"+route, form); !strings.Contains(page, "Requires capabilities") {
		t.Errorf("an empty checkbox must be refused:\n%s", page)
	}
	form.Set("acknowledged", "yes")
	if page := in.post(in.box.URL()+"/console/cloudformation"+route, form); !strings.Contains(page, "CREATE_IN_PROGRESS") || !strings.Contains(page, `http-equiv="refresh"`) {
		t.Errorf("the stack's page is\n%s", page)
	}
	in.succeed(in.next(), "xacct-1")
	id := in.box.Stacks()[0].ID
	in.settled(id, "CREATE_COMPLETE")
	page = in.get(in.box.URL() + "/console/cloudformation/stacks/stackinfo?stackId=" + url.QueryEscape(id))
	if !strings.Contains(page, "CREATE_COMPLETE") || strings.Contains(page, `http-equiv="refresh"`) {
		t.Errorf("the stack's page is\n%s", page)
	}
	if page := in.post(in.box.URL()+"/console/cloudformation/stacks/delete", url.Values{"stackId": {id}}); !strings.Contains(page, "DELETE_IN_PROGRESS") {
		t.Errorf("the stack's page is\n%s", page)
	}
	in.succeed(in.next(), "xacct-1")
	in.settled(id, "DELETE_COMPLETE")
	if page := in.get(in.box.URL() + "/"); !strings.Contains(page, "acme-access") {
		t.Errorf("the list is\n%s", page)
	}
}
