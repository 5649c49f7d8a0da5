// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/s3"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// pastTheDeadline is longer than CloudFormation waits.
const pastTheDeadline = 16 * time.Minute

func TestACreateDuringAnOutageOfTheRegistryFailsAndAsksToTryAgain(t *testing.T) {
	t.Parallel()
	w := New(t)
	c := w.Invite("globex", AccountID(1))
	w.Registrar()
	w.Down("dynamodb", "", pastTheDeadline)
	id := c.Launch(Frankfurt, sandbox.LaunchOptions{})
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Reads(id, "Acme could not finish checking the role in time. Your stack is not at fault: please delete it and create it again from the same link.")
	w.Quiet() // the answer that could not be stored before is stored now
	c.Unknown()
	c.Connect(Virginia)
	if n := w.DeadLetters(); n != 0 {
		t.Errorf("%d requests were moved to the dead-letter queue", n)
	}
}

func TestADeleteDuringAnOutageOfTheRegistrySucceedsAndDisconnectsLater(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	for i, d := range []time.Duration{time.Minute, pastTheDeadline, 3 * time.Hour} {
		c := w.Invite("globex-"+d.String(), AccountID(i+1))
		id := c.Connect(Frankfurt)
		began := w.Now()
		w.Down("dynamodb", "", d)
		c.Delete(id)
		c.Settled(id, "DELETE_COMPLETE")
		w.Quiet()
		if down := w.Now().Sub(began); down < d {
			t.Errorf("the registry was down for only %s", down)
		}
		c.Owned(id, onboarding.Disconnected)
	}
}

// TestAnUnrecordedAnswerIsADoubtUntilARoundOfProofs kills the registrar that
// answered; then the response URL expires.
func TestAnUnrecordedAnswerIsADoubtUntilARoundOfProofs(t *testing.T) {
	t.Parallel()
	w := New(t)
	first := w.Registrar()
	stays, leaves := w.Invite("initech", AccountID(1)), w.Invite("globex", AccountID(2))
	staying, leaving := stays.Connect(Frankfurt), leaves.Connect(Frankfurt)
	w.Down("dynamodb", "", 3*time.Hour)
	leaves.Delete(leaving)
	leaves.Settled(leaving, "DELETE_COMPLETE")
	first.Stop()
	w.Advance(3 * time.Hour)
	w.Registrar()
	w.Quiet()
	leaves.Owned(leaving, onboarding.Degraded)
	w.Must(w.Prove())
	leaves.Owned(leaving, onboarding.Disconnected)
	stays.Owned(staying, onboarding.Active)
	want := []onboarding.Outcome{onboarding.OutcomeRegistered, onboarding.OutcomeDeleteUnconfirmed, onboarding.OutcomeDisconnected}
	if got := leaves.Happened(); !slices.Equal(got, want) {
		t.Errorf("happened %v, want %v", got, want)
	}
}

// TestAForgedDeleteDisconnectsNoRoleWhileSTSRefusesTheVendor forges a late Delete:
// every principal that may publish chooses the message's timeout and the keys that
// sign its response URL.
func TestAForgedDeleteDisconnectsNoRoleWhileSTSRefusesTheVendor(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Connect(Frankfurt)
	mended := w.Faults().Before(func(call *kernel.Call) error {
		if call.Service == "sts" && call.Action == "AssumeRole" {
			return kernel.Errorf(http.StatusForbidden, "AccessDenied", "User is not authorized to perform: sts:AssumeRole")
		}
		return nil
	})
	c.forgeDelete(id, "forged", func(address string) string { return address + "?X-Amz-Signature=c0ffee" })
	c.forgeDelete(id, "own-keys", func(address string) string { return w.presignedPut(c.Account, address) })
	w.Quiet()
	c.Owned(id, onboarding.Degraded)
	mended()
	w.Must(w.Prove())
	c.Owned(id, onboarding.Active)
}

// forgeDelete publishes, as the customer, a Delete of a stack that is already
// late when it is published.
func (c *Customer) forgeDelete(stackID, requestID string, sign func(address string) string) {
	c.T.Helper()
	known := c.Registrations()[0]
	escaped := strings.NewReplacer(":", "%3A", "|", "%7C").Replace(stackID + "|" + known.LogicalID + "|" + requestID)
	text, err := json.Marshal(map[string]any{
		"RequestType": "Delete", "StackId": stackID, "RequestId": requestID, "LogicalResourceId": known.LogicalID,
		"PhysicalResourceId": known.PhysicalID, "ServiceTimeout": "1", "ResourceType": "Custom::XacctPhoneHome",
		"ResponseURL":        sign("https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/" + escaped),
		"ResourceProperties": map[string]any{"ExternalId": known.ExternalID.String(), "RoleArn": known.Role.String()},
	})
	c.Must(err)
	c.Must(c.ForgedPublish(c.T.Context(), c.Account, c.Topic(Frankfurt), "AWS CloudFormation custom resource request", string(text)))
}

// presignedPut signs an address with an account's own keys.
func (w *World) presignedPut(accountID, address string) string {
	w.T.Helper()
	keys, err := w.Credentials(accountID)
	w.Must(err)
	request, err := http.NewRequestWithContext(w.T.Context(), http.MethodPut, address+"?X-Amz-Expires=7200", nil)
	w.Must(err)
	signed, _, err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).PresignHTTP(w.T.Context(),
		aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey}, request, "UNSIGNED-PAYLOAD", "s3", Frankfurt, w.Now())
	w.Must(err)
	return signed
}

func TestAnUpdateDuringAnOutageOfTheRegistrySucceeds(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Connect(Frankfurt)
	w.Down("dynamodb", "", pastTheDeadline)
	c.Update(id, sandbox.UpdateOptions{TemplateURL: w.Publish(w.Template(roleV2))})
	c.Settled(id, "UPDATE_COMPLETE")
	w.Quiet()
	all := c.Registrations()
	if len(all) != 1 || !all[0].Live() || all[0].TemplateVersion != stacktemplate.Version(w.Specification(roleV2)) {
		t.Errorf("the registrations are %+v\n%s", all, w.log)
	}
}

func TestACreateWaitsThroughAShortOutageOfSTS(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	w.Down("sts", "AssumeRole", 10*time.Minute)
	c.Connect(Frankfurt)
	if r := c.Registrations()[0]; r.ProvenAt.Sub(r.RequestedAt) < 9*time.Minute {
		t.Errorf("it was proven after %s, while STS was down", r.ProvenAt.Sub(r.RequestedAt))
	}
}

func TestNothingIsRegisteredUnprovenInALongOutageOfSTS(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	w.Down("sts", "AssumeRole", pastTheDeadline)
	id := c.Launch(Virginia, sandbox.LaunchOptions{})
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Quiet()
	w.Reads(id, "Acme could not finish checking the role in time.")
	c.Unknown()
}

func TestADeleteIsAnsweredDuringAnOutageOfSTS(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Connect(Frankfurt)
	w.Down("sts", "", pastTheDeadline)
	began := w.Now()
	c.Delete(id)
	c.Settled(id, "DELETE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Disconnected)
	if took := w.Now().Sub(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
}

// TestNoTransientErrorOfTheBucketLosesARequest makes CloudFormation's bucket return
// errors that do not depend on the signature (aws-facts 12.1, 12.11), one after the
// other, each for as long as one handling tries.
func TestNoTransientErrorOfTheBucketLosesARequest(t *testing.T) {
	t.Parallel()
	w := New(t)
	c := w.Invite("globex", AccountID(1))
	w.Registrar()
	unlucky := []kernel.FaultRule{
		sandbox.RefuseAnswers(s3.RequestTimeout, 3), sandbox.RefuseAnswers(s3.OperationAborted, 3),
		sandbox.RefuseAnswers(s3.AccessDenied, 1), sandbox.RefuseAnswers(s3.TemporaryRedirect, 1),
		sandbox.RefuseAnswers(s3.HTMLBody, 1), sandbox.RefuseAnswers(s3.NoSuchBucket, 1),
	}
	refuse := func() {
		for _, rule := range unlucky {
			w.Must(w.AddFault(rule))
		}
	}
	refuse()
	id := c.Connect(Frankfurt)
	refuse()
	c.Update(id, sandbox.UpdateOptions{TemplateURL: w.Publish(w.Template(roleV2))})
	c.Settled(id, "UPDATE_COMPLETE")
	refuse()
	c.Delete(id)
	c.Settled(id, "DELETE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Disconnected)
	answered(t, w, id, "SUCCESS", "SUCCESS", "SUCCESS")
	if n := w.DeadLetters(); n != 0 {
		t.Errorf("%d requests were moved to the dead-letter queue", n)
	}
}

func TestThrottlesOfSNSSQSAndTheBucketOnlyDelayRequests(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]kernel.FaultRule{
		"SNS refuses the customer's message at first": {{Service: "sns", Action: "Publish", Kind: kernel.FaultThrottle, Next: 3}},
		"receiving":       {{Service: "sqs", Action: "ReceiveMessage", Kind: kernel.FaultThrottle, Next: 2}},
		"deleting":        {{Service: "sqs", Action: "DeleteMessage", Kind: kernel.FaultThrottle, Next: 2}},
		"deleting, after": {{Service: "sqs", Action: "DeleteMessage", Kind: kernel.FaultLostAnswer, Next: 2}},
		"putting back": {
			{Service: "sts", Action: "AssumeRole", Kind: kernel.FaultServerError, Next: 2},
			{Service: "sqs", Action: "ChangeMessageVisibility", Kind: kernel.FaultThrottle, Next: 2},
		},
		"the bucket fails":            {{Service: "s3", Action: "PutObject", Kind: kernel.FaultServerError, Next: 4}},
		"the bucket's answer is lost": {{Service: "s3", Action: "PutObject", Kind: kernel.FaultLostAnswer, Next: 1}},
		"DynamoDB is busy":            {{Service: "dynamodb", Kind: kernel.FaultThrottle, Next: 5}},
		"DynamoDB's answers are lost": {{Service: "dynamodb", Action: "TransactWriteItems", Kind: kernel.FaultLostAnswer, Next: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := New(t)
			c := w.Invite("globex", AccountID(1))
			for _, rule := range rules {
				w.Faults().Add(rule)
			}
			w.Registrar()
			id := c.Connect(Frankfurt)
			for _, rule := range rules {
				w.Faults().Add(rule)
			}
			c.Delete(id)
			c.Settled(id, "DELETE_COMPLETE")
			w.Quiet()
			c.Owned(id, onboarding.Disconnected)
			answered(t, w, id, "SUCCESS", "SUCCESS")
			want := []onboarding.Outcome{onboarding.OutcomeRegistered, onboarding.OutcomeDisconnected}
			if got := c.Happened(); !slices.Equal(got, want) {
				t.Errorf("the history is %v, not %v", got, want)
			}
		})
	}
}

func TestEveryMessageTwiceAndTwoRegistrarsMakeOneRegistration(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Faults().SetDelivery(kernel.DeliveryFaults{Duplicate: 1, Reorder: true})
	w.Registrar()
	w.Registrar()
	var customers []*Customer
	for i := range 8 {
		customers = append(customers, w.Invite("customer-"+string(rune('a'+i)), AccountID(i+1)))
	}
	each := func(status string, do func(c *Customer, stackID string) string, stacks []string) []string {
		for i, c := range customers {
			stacks[i] = do(c, stacks[i])
		}
		for i, c := range customers {
			c.Settled(stacks[i], status)
		}
		w.Quiet()
		return stacks
	}
	stacks := each("CREATE_COMPLETE", func(c *Customer, _ string) string {
		return c.Launch(Frankfurt, sandbox.LaunchOptions{})
	}, make([]string, len(customers)))
	each("UPDATE_COMPLETE", func(c *Customer, id string) string {
		c.Update(id, sandbox.UpdateOptions{TemplateURL: w.Publish(w.Template(roleV2))})
		return id
	}, stacks)
	each("DELETE_COMPLETE", func(c *Customer, id string) string {
		c.Delete(id)
		return id
	}, stacks)
	for i, c := range customers {
		c.Owned(stacks[i], onboarding.Disconnected)
		want := []onboarding.Outcome{onboarding.OutcomeRegistered, onboarding.OutcomeUpdated, onboarding.OutcomeDisconnected}
		if got := c.Happened(); !slices.Equal(got, want) {
			t.Errorf("the history is %v, not %v", got, want)
		}
		answered(t, w, stacks[i], "SUCCESS", "SUCCESS", "SUCCESS")
	}
}

func TestNoAnswerFollowsARedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		w := New(t)
		c := w.Invite("globex", AccountID(1))
		c.Launch(Frankfurt, sandbox.LaunchOptions{})
		w.phonedHome(1)
		r := w.Registrar(Replies(func(e Exchange) *http.Response {
			if e.Method != http.MethodPut || e.Action != "" {
				return nil
			}
			return &http.Response{
				StatusCode: status, Header: http.Header{"Location": {"https://mallory.example/take-it"}},
				Body: io.NopCloser(strings.NewReader("")),
			}
		}))
		w.Quiet()
		c.Unknown()
		sent := 0
		for _, e := range r.Sent() {
			if strings.Contains(e.Host, "mallory") || strings.Contains(e.URI, "take-it") {
				t.Errorf("%d was followed to %s", status, e.Host)
			}
			if e.Method == http.MethodPut && e.Action == "" {
				sent++
			}
		}
		if sent == 0 {
			t.Error("no answer was sent")
		}
	}
}
