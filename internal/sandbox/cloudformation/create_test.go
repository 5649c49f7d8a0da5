// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

func TestACreatePublishesARequestToTheVendor(t *testing.T) {
	w := newWorld(t)
	id := w.create(phoneHome())
	r := w.next("Create")
	wantURL := "https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/"
	if !strings.HasPrefix(r.ResponseURL, wantURL) {
		t.Errorf("the response URL is %s", r.ResponseURL)
	}
	r.ResponseURL, r.RequestId = "", ""
	w.wantNoRequest()
	want := request{
		RequestType: "Create", ServiceToken: topic, ServiceTimeout: "900", StackId: id,
		LogicalResourceId: "PhoneHome", ResourceType: "Custom::XacctPhoneHome",
		ResourceProperties: map[string]any{
			"ServiceToken": topic, "ServiceTimeout": "900", "Live": "true", "List": []any{"1", "two"},
			"RoleArn": "arn:aws:iam::222222222222:role/acme-access",
		},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("the request (-want +got):\n%s", diff)
	}
}

func TestAnAnswerIsInOutputsAndEvents(t *testing.T) {
	w := newWorld(t)
	id := w.create(phoneHome())
	w.succeed(w.next("Create"), "xacct-1")
	st := w.settled(id, "CREATE_COMPLETE")
	if diff := cmp.Diff(map[string]string{"Said": "hello", "Id": "xacct-1"}, st.Outputs); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	want := `access CREATE_IN_PROGRESS: User Initiated
Role CREATE_IN_PROGRESS
Role CREATE_IN_PROGRESS: Resource creation Initiated
Role CREATE_COMPLETE
PhoneHome CREATE_IN_PROGRESS
PhoneHome CREATE_IN_PROGRESS: Resource creation Initiated
PhoneHome CREATE_COMPLETE
access CREATE_COMPLETE
`
	if diff := cmp.Diff(want, w.eventLog(id)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestARefusedCreateIsRolledBackWithTheVendorsID(t *testing.T) {
	w := newWorld(t)
	id := w.create(phoneHome())
	r := w.next("Create")
	w.refuse(r, "xacct-no", "This link has expired.")
	d := w.next("Delete")
	if d.PhysicalResourceId != "xacct-no" || d.RequestId == r.RequestId || d.OldResourceProperties != nil {
		t.Errorf("the rollback's Delete is %+v", d)
	}
	w.succeed(d, "xacct-no")
	w.settled(id, "ROLLBACK_COMPLETE")
	w.wantEvents(id, "PhoneHome CREATE_FAILED: Received response status [FAILED] from custom resource. Message returned: This link has expired. (RequestId: "+r.RequestId+")",
		"access ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [PhoneHome]. Rollback requested by user.")
	if len(w.roles) != 0 {
		t.Errorf("the role was not deleted: %v", w.roles)
	}
}

func TestACreateWithoutAnAnswerFailsAtTheTimeout(t *testing.T) {
	w := newWorld(t)
	id := w.create(phoneHome())
	r := w.next("Create")
	w.clock.Advance(899 * time.Second)
	w.wantNoRequest()
	w.clock.Advance(2 * time.Second)
	d := w.next("Delete")
	if !strings.HasPrefix(d.PhysicalResourceId, "access-PhoneHome-") {
		t.Errorf("the Delete has the physical ID %q, want one that CloudFormation generated", d.PhysicalResourceId)
	}
	w.succeed(r, "too-late") // the URL still works, and the answer is ignored
	w.succeed(d, d.PhysicalResourceId)
	w.settled(id, "ROLLBACK_COMPLETE")
	w.wantEvents(id, "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId ["+r.RequestId+"].")
}

func TestServiceTimeoutIsAnHourByDefault(t *testing.T) {
	w := newWorld(t)
	body := strings.Replace(phoneHome(), `"ServiceTimeout": 900,`, "", 1)
	id := w.create(body)
	if r := w.next("Create"); r.ServiceTimeout != "" {
		t.Errorf("ServiceTimeout is not set in the template, but %q in the request", r.ServiceTimeout)
	}
	w.clock.Advance(59 * time.Minute)
	w.wantNoRequest()
	w.clock.Advance(2 * time.Minute)
	w.succeed(w.next("Delete"), "x")
	w.settled(id, "ROLLBACK_COMPLETE")
}

func TestAFailureOfAnotherResourceCancelsTheWaitingOne(t *testing.T) {
	w := newWorld(t)
	// Late refers to a role that does not exist. It is not created before the
	// vendor has the request.
	hold := make(chan struct{})
	body := strings.Replace(phoneHome(), `"Role": {`, `"Late": {"Type": "AWS::IAM::RolePolicy", "DependsOn": "Role",
		"Properties": {"RoleName": "missing", "PolicyName": "p", "PolicyDocument": {}}}, "Role": {`, 1)
	w.handlers["AWS::IAM::RolePolicy"] = held{w.handlers["AWS::IAM::RolePolicy"], hold}
	id := w.create(body)
	w.next("Create")
	close(hold)
	d := w.next("Delete")
	if !strings.HasPrefix(d.PhysicalResourceId, "access-PhoneHome-") {
		t.Errorf("the Delete has the physical ID %q, want one that CloudFormation generated", d.PhysicalResourceId)
	}
	w.succeed(d, d.PhysicalResourceId)
	w.settled(id, "ROLLBACK_COMPLETE")
	w.wantEvents(id, "PhoneHome CREATE_FAILED: Resource creation cancelled",
		`Late CREATE_FAILED: Resource handler returned message: "The role with name missing cannot be found. (Service: Iam, Status Code: 404`,
		"[Late, PhoneHome]")
}

func TestATakenRoleNameFailsBeforeARequestToTheVendor(t *testing.T) {
	w := newWorld(t)
	w.roles["acme-access"] = map[string]string{"CreateRole": "of another stack"}
	id := w.create(phoneHome())
	w.settled(id, "ROLLBACK_COMPLETE")
	w.wantNoRequest()
	w.wantEvents(id, `Role CREATE_FAILED: Resource handler returned message: "Role with name acme-access already exists. (Service: Iam, Status Code: 409`,
		"HandlerErrorCode: AlreadyExists)")
	if w.roles["acme-access"] == nil {
		t.Error("the rollback deleted another stack's role")
	}
}

func TestADeniedPublishFailsTheResourceWithAWSsMessage(t *testing.T) {
	w := newWorld(t)
	w.fail["sns:Publish"] = []error{kernel.Errorf(http.StatusForbidden, "AuthorizationError", "User: me is not authorized to perform: SNS:Publish on resource: %s", topic)}
	id := w.create(phoneHome())
	w.settled(id, "ROLLBACK_COMPLETE")
	w.wantNoRequest() // no Create was published, so no Delete is
	w.wantEvents(id, "PhoneHome CREATE_FAILED: User: me is not authorized to perform: SNS:Publish on resource: "+topic+" (Service: AmazonSNS; Status Code: 403; Error Code: AuthorizationError; Request ID: ")
}

func TestAThrottledPublishIsRetried(t *testing.T) {
	w := newWorld(t)
	throttled := kernel.Errorf(http.StatusTooManyRequests, "Throttled", "Rate exceeded")
	w.fail["sns:Publish"] = []error{throttled, throttled}
	w.created(phoneHome(), "xacct-1")
}

func TestInvalidAnswersFailTheResource(t *testing.T) {
	for name, test := range map[string]struct {
		answer map[string]any
		reason string
	}{
		"another stack":                {map[string]any{"Status": "SUCCESS", "PhysicalResourceId": "x", "StackId": "arn:other"}, "wrong StackId"},
		"another request":              {map[string]any{"Status": "SUCCESS", "PhysicalResourceId": "x", "RequestId": "1"}, "wrong RequestId"},
		"another resource":             {map[string]any{"Status": "SUCCESS", "PhysicalResourceId": "x", "LogicalResourceId": "Role"}, "wrong LogicalResourceId"},
		"no physical ID":               {map[string]any{"Status": "SUCCESS"}, "Invalid PhysicalResourceId"},
		"a physical ID over 1 KB":      {map[string]any{"Status": "SUCCESS", "PhysicalResourceId": strings.Repeat("x", 1025)}, "Invalid PhysicalResourceId"},
		"no status":                    {map[string]any{"PhysicalResourceId": "x"}, "invalid Status"},
		"FAILED without a reason":      {map[string]any{"Status": "FAILED", "PhysicalResourceId": "x"}, "Vendor response doesn't contain Reason key in object"},
		"more than 4,096 bytes":        {map[string]any{"Status": "SUCCESS", "PhysicalResourceId": "x", "Data": map[string]any{"A": strings.Repeat("x", 4096)}}, "Response object is too long."},
		"no request ID":                {map[string]any{"Status": "SUCCESS", "PhysicalResourceId": "x", "RequestId": ""}, "doesn't contain RequestId key"},
		"no data that an output needs": {map[string]any{"Status": "SUCCESS", "PhysicalResourceId": "x"}, "CustomResource attribute error: Vendor response doesn't contain Greeting attribute in object arn:"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.create(phoneHome())
			w.reply(w.next("Create"), test.answer)
			d := w.next("Delete")
			w.succeed(d, d.PhysicalResourceId)
			w.settled(id, "ROLLBACK_COMPLETE")
			w.wantEvents(id, test.reason)
		})
	}
}

func TestOnlyTheFirstAnswerCounts(t *testing.T) {
	w := newWorld(t)
	id := w.create(phoneHome())
	r := w.next("Create")
	w.succeed(r, "first")
	w.refuse(r, "second", "no")
	if st := w.settled(id, "CREATE_COMPLETE"); st.Outputs["Id"] != "first" {
		t.Errorf("the physical ID is %s", st.Outputs["Id"])
	}
}

func TestOnFailureDecidesWhatHappensToAFailedStack(t *testing.T) {
	t.Run("DO_NOTHING leaves everything", func(t *testing.T) {
		w := newWorld(t)
		id := w.create(phoneHome(), "OnFailure", "DO_NOTHING")
		w.refuse(w.next("Create"), "x", "no")
		w.settled(id, "CREATE_FAILED")
		w.wantNoRequest()
		if len(w.roles) != 1 {
			t.Error("the role was deleted")
		}
	})
	t.Run("DisableRollback is the same", func(t *testing.T) {
		w := newWorld(t)
		id := w.create(phoneHome(), "DisableRollback", "true")
		w.refuse(w.next("Create"), "x", "no")
		w.settled(id, "CREATE_FAILED")
	})
	t.Run("DELETE deletes the stack", func(t *testing.T) {
		w := newWorld(t)
		id := w.create(phoneHome(), "OnFailure", "DELETE")
		w.refuse(w.next("Create"), "x", "no")
		w.succeed(w.next("Delete"), "x")
		w.settled(id, "DELETE_COMPLETE")
	})
}

func TestARollbackThatIsRefusedEndsInRollbackFailed(t *testing.T) {
	w := newWorld(t)
	id := w.create(phoneHome())
	w.refuse(w.next("Create"), "x", "no")
	w.refuse(w.next("Delete"), "x", "no again")
	w.settled(id, "ROLLBACK_FAILED")
	w.wantEvents(id, "PhoneHome DELETE_FAILED", "access ROLLBACK_FAILED: The following resource(s) failed to delete: [PhoneHome].")
	w.must("DeleteStack", "StackName", "access")
	w.succeed(w.next("Delete"), "x")
	w.settled(id, "DELETE_COMPLETE")
}

func TestADeleteDuringTheCreateCancelsIt(t *testing.T) {
	w := newWorld(t)
	id := w.create(phoneHome())
	w.next("Create")
	w.must("DeleteStack", "StackName", id)
	d := w.next("Delete")
	if !strings.HasPrefix(d.PhysicalResourceId, "access-PhoneHome-") {
		t.Errorf("the Delete has the physical ID %q, want one that CloudFormation generated", d.PhysicalResourceId)
	}
	w.succeed(d, d.PhysicalResourceId)
	w.settled(id, "DELETE_COMPLETE")
	w.wantEvents(id, "PhoneHome CREATE_FAILED: Resource creation cancelled")
}
