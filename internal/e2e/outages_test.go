// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// pastTheDeadline is longer than CloudFormation waits.
const pastTheDeadline = 16 * time.Minute

func TestWithTheRegistryDownACreateIsToldToTryAgain(t *testing.T) {
	t.Parallel()
	w := New(t)
	c := w.Invite("globex", AccountID(1))
	w.Registrar()
	w.Down("dynamodb", "", pastTheDeadline)
	id := c.Launch(Frankfurt, sandbox.LaunchOptions{})
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Reads(id, "Acme could not finish checking the role in time. Your stack is not at fault: please delete it and create it again from the same link.")
	w.Quiet() // what could not be stored is, by now
	c.Unknown()
	c.Connect(Virginia)
	if n := w.DeadLetters(); n != 0 {
		t.Errorf("%d requests were put aside", n)
	}
}

func TestWithTheRegistryDownAStackCanBeDeletedAndIsDisconnectedLater(t *testing.T) {
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
			t.Errorf("the registry was down for %s only", down)
		}
		c.Owned(id, onboarding.Disconnected)
	}
}

func TestWithTheRegistryDownAnUpdateIsNotHeldBack(t *testing.T) {
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

func TestWithSTSDownForAWhileACreateWaits(t *testing.T) {
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

func TestWithSTSDownForTooLongNothingIsRegisteredUnproven(t *testing.T) {
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

func TestWithSTSDownADeleteIsAnswered(t *testing.T) {
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

func TestThrottlesOfSNSAndSQSAndTheBucketDelayAndLoseNothing(t *testing.T) {
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
