// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/snscert"
)

// TestTwoRegistrarsDecideDifferentlyAndGiveOneAnswer delivers a message twice.
// Between the decision of the first registrar and its write, the vendor blocks the
// customer, and the second registrar handles the other copy.
func TestTwoRegistrarsDecideDifferentlyAndGiveOneAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		second func(*kernel.Call, bool) bool // handles its copy before or after this call of the first
		stack  string
		want   []onboarding.Outcome
	}{
		{"the second one stores first", func(c *kernel.Call, after bool) bool {
			return !after && c.Action == "TransactWriteItems"
		}, "ROLLBACK_COMPLETE", []onboarding.Outcome{onboarding.OutcomeBlocked}},
		{"the first one stores first", func(c *kernel.Call, after bool) bool {
			return after && c.Action == "TransactWriteItems"
		}, "CREATE_COMPLETE", []onboarding.Outcome{onboarding.OutcomeRegistered}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := New(t)
			c := w.Invite("globex", AccountID(1))
			first, second := w.handler(), w.handler()
			id := c.Launch(Frankfurt, sandbox.LaunchOptions{})
			body := w.take()
			met := false
			meet := func(after bool) kernel.Hook {
				return func(call *kernel.Call) error {
					if met || call.Service != "dynamodb" || !test.second(call, after) {
						return nil
					}
					met = true
					c.Change(func(l *onboarding.Link) { l.Blocked, l.BlockedAt = true, w.Now() })
					if d := second.Handle(t.Context(), body); d.Action != registrar.Done {
						t.Errorf("the second one: %+v", d)
					}
					return nil
				}
			}
			w.Faults().Before(meet(false))
			w.Faults().After(meet(true))
			if d := first.Handle(t.Context(), body); d.Action != registrar.Done || !met {
				t.Fatalf("the first one: %+v; they met: %t\n%s", d, met, w.log)
			}
			answers := w.Answers(id) // fails the test if there are two
			if len(answers) != 1 || answers[0].Times != 2 {
				t.Errorf("the answers are %+v", answers)
			}
			if got := c.Happened(); !slices.Equal(got, test.want) {
				t.Errorf("happened %v, want %v", got, test.want)
			}
			w.Registrar() // for the Delete of the rollback
			c.Settled(id, test.stack)
			w.Quiet()
		})
	}
}

// handler returns a registrar that does not receive: the test passes it messages.
func (w *World) handler() *registrar.Registrar {
	w.T.Helper()
	root, err := w.SigningCA()
	w.Must(err)
	verifier, err := snscert.New(snscert.Config{Endpoint: w.URL(), Bundle: root, Clock: w.Now})
	w.Must(err)
	clients := w.ClientsOf(sandbox.VendorAccount, w.URL())
	r, err := registrar.Open(clients, registry.New(clients.DynamoDB(), Hub, w.Now), w.Record, registrar.Config{
		Clock: w.Now, Logger: w.log.logger("by hand"), Verifier: verifier,
	})
	w.Must(err)
	return r
}

// take receives and deletes one message, and returns its body.
func (w *World) take() []byte {
	w.T.Helper()
	queue := w.Clients.SQS(w.Record.Region)
	out, err := queue.ReceiveMessage(w.T.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.Record.QueueURL, WaitTimeSeconds: 20})
	w.Must(err)
	if len(out.Messages) != 1 {
		w.T.Fatalf("%d messages are in the queue", len(out.Messages))
	}
	_, err = queue.DeleteMessage(w.T.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.Record.QueueURL, ReceiptHandle: out.Messages[0].ReceiptHandle})
	w.Must(err)
	return []byte(*out.Messages[0].Body)
}
