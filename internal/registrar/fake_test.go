// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	vendor   = "111111111111"
	customer = "222222222222"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func testHub() onboarding.Hub {
	region := must(account.ParseRegion("eu-central-1"))
	return onboarding.Hub{
		Name: "acme", DisplayName: "Acme", Account: must(account.ParseID(vendor)),
		Region: region, Regions: []account.Region{region}, ResponseTimeout: 15 * time.Minute,
	}
}

func testLink(id string) onboarding.Link {
	return onboarding.Link{
		Hub: "acme", CustomerID: id, ExternalID: must(account.ParseExternalID("external-of-" + id)),
		Account: must(account.ParseID(customer)), RoleName: "acme-" + id, RolePath: "/",
	}
}

// fake is a registrar's environment in memory: the registry with its conditions, the queue, S3
// with CloudFormation's response bucket, and STS.
type fake struct {
	mu  sync.Mutex
	now time.Time

	hub     onboarding.Hub
	links   map[string]onboarding.Link
	stacks  map[account.StackARN]onboarding.Stack
	answers map[string]onboarding.Answer
	regs    map[string]onboarding.Registration
	history []onboarding.HistoryEntry
	notes   []onboarding.HistoryEntry
	beats   int
	down    error // the registry's error

	selfTests []string // recorded self-tests
	fails     error    // the error of recording one

	queue       []Message
	taken       map[string]time.Time // messages that are invisible, until when
	deadLetters []string             // reasons of dead letters
	retries     []time.Duration

	genuine  map[string]bool                 // request IDs with a valid response URL
	accepted map[string][]phonehome.Response // accepted answers by request ID
	tried    []phonehome.Response            // all answers, accepted or not
	bucket   func(phonehome.Response) error  // S3's error for an answer

	role  func(onboarding.Probe) onboarding.Proof
	sign  func(body []byte) error // the result of verifying SNS's signature
	calls int
	// step is called before and after every call. It may end the process by a panic.
	step func(name string)
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{
		now: noon, hub: testHub(), links: map[string]onboarding.Link{"c1": testLink("c1"), "c2": testLink("c2")},
		stacks: map[account.StackARN]onboarding.Stack{}, answers: map[string]onboarding.Answer{},
		regs: map[string]onboarding.Registration{}, taken: map[string]time.Time{},
		genuine: map[string]bool{}, accepted: map[string][]phonehome.Response{},
		role: func(onboarding.Probe) onboarding.Proof { return onboarding.Proof{Outcome: onboarding.Proven} },
		step: func(string) {}, sign: func([]byte) error { return nil },
	}
	return f
}

func (f *fake) registrar(change ...func(*Config)) *Registrar {
	config := Config{Hub: f.hub, Queue: f, Registry: f, Prover: f, Responder: f, Verifier: f, Clock: func() time.Time {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.now
	}}
	for _, c := range change {
		c(&config)
	}
	return New(config)
}

func (f *fake) do(name string, work func() error) error {
	f.step("before " + name)
	f.mu.Lock()
	f.calls++
	err := work()
	f.mu.Unlock()
	f.step("after " + name)
	return err
}

func answerKey(a onboarding.Answer) string {
	return a.Stack.String() + a.LogicalID + a.RequestID
}

func (f *fake) Load(_ context.Context, r phonehome.Request, _ onboarding.Snapshot) (s onboarding.Snapshot, err error) {
	err = f.do("load", func() error {
		s = onboarding.Snapshot{Hub: f.hub, Stack: onboarding.Stack{ID: r.Stack}}
		if stack, ok := f.stacks[r.Stack]; ok {
			s.Stack = stack
		}
		if a, ok := f.answers[r.Stack.String()+r.LogicalID+r.RequestID]; ok {
			s.Answer = &a
		}
		for _, a := range f.answers {
			if a.Stack == r.Stack && a.LogicalID == r.LogicalID && a.Promises() && r.Type == phonehome.Update {
				s.PromisedBefore = s.PromisedBefore || a.Change.Properties.Equal(r.OldProperties)
			}
		}
		for id, link := range f.links {
			if s.Stack.CustomerID == id || s.Stack.CustomerID == "" && link.ExternalID.String() == r.Properties.ExternalID {
				s.Link = &link
				if reg, ok := f.regs[id+r.Stack.Account.String()]; ok {
					s.Registration = &reg
				}
			}
		}
		return f.down
	})
	return s, err
}

func (f *fake) StoreAnswer(_ context.Context, s onboarding.Snapshot, a onboarding.Answer) (stored onboarding.Answer, err error) {
	err = f.do("store", func() error {
		if earlier, ok := f.answers[answerKey(a)]; ok {
			stored = earlier
			return f.down
		}
		if f.stacks[a.Stack].Revision != s.Stack.Revision {
			return onboarding.ErrConflict
		}
		if f.down == nil {
			f.answers[answerKey(a)], stored = a, a
		}
		return f.down
	})
	return stored, err
}

func (f *fake) Commit(_ context.Context, s onboarding.Snapshot, a onboarding.Answer, t onboarding.Transition) error {
	return f.do("commit", func() error {
		if f.down != nil || f.answers[answerKey(a)].State == onboarding.AnswerCommitted {
			return f.down
		}
		key := a.Change.CustomerID + a.Stack.Account.String()
		var before int64
		if s.Registration != nil {
			before = s.Registration.Revision
		}
		if t.Stack != nil && f.stacks[a.Stack].Revision != s.Stack.Revision || t.Registration != nil && f.regs[key].Revision != before {
			return onboarding.ErrConflict
		}
		a.State = onboarding.AnswerCommitted
		f.answers[answerKey(a)] = a
		if t.Stack != nil {
			t.Stack.Revision++
			f.stacks[a.Stack] = *t.Stack
		}
		if t.Registration != nil {
			t.Registration.Revision = before + 1
			f.regs[key] = *t.Registration
		}
		if t.History != nil {
			f.history = append(f.history, *t.History)
		}
		return nil
	})
}

func (f *fake) AddHistory(_ context.Context, e onboarding.HistoryEntry) error {
	return f.do("note", func() error {
		if f.down == nil {
			f.notes = append(f.notes, e)
		}
		return f.down
	})
}

func (f *fake) RefuseAnswer(_ context.Context, a onboarding.Answer) error {
	return f.do("refuse", func() error {
		if f.answers[answerKey(a)].State != onboarding.AnswerCommitted {
			a.State = onboarding.AnswerRefused
			f.answers[answerKey(a)] = a
		}
		return f.down
	})
}

func (f *fake) RecordSelfTest(_ context.Context, nonce string, topic account.TopicARN) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails != nil {
		return f.fails
	}
	f.selfTests = append(f.selfTests, nonce+" "+topic.String())
	return nil
}

func (f *fake) Beat(context.Context, string, time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.beats++
	return nil
}

func (f *fake) Prove(_ context.Context, p onboarding.Probe) (proof onboarding.Proof) {
	_ = f.do("prove", func() error { return nil })
	return f.role(p) // outside the lock, because proofs may take long
}

func (f *fake) Respond(_ context.Context, u phonehome.ResponseURL, r phonehome.Response) error {
	return f.do("respond", func() error {
		if _, err := r.Encode(); err != nil {
			return err
		}
		f.tried = append(f.tried, r)
		if f.bucket != nil {
			if err := f.bucket(r); err != nil {
				return err
			}
		}
		if !f.genuine[r.RequestID] {
			return refusalOf(403, s3Says("SignatureDoesNotMatch", "It does not."))
		}
		f.accepted[r.RequestID] = append(f.accepted[r.RequestID], r)
		return nil
	})
}

func (f *fake) Verify(_ context.Context, body []byte) error { return f.sign(body) }

func (f *fake) Receive(ctx context.Context, most int) ([]Message, error) {
	f.mu.Lock()
	var batch []Message
	for _, m := range f.queue {
		if len(batch) < most && !time.Now().Before(f.taken[m.ID]) {
			f.taken[m.ID] = time.Now().Add(visibility)
			batch = append(batch, m)
		}
	}
	f.mu.Unlock()
	if len(batch) == 0 {
		pause(ctx, time.Second)
	}
	return batch, ctx.Err()
}

func (f *fake) Delete(_ context.Context, m Message) error {
	return f.do("delete", func() error {
		f.queue = slices.DeleteFunc(f.queue, func(q Message) bool { return q.ID == m.ID })
		return nil
	})
}

func (f *fake) ChangeVisibility(_ context.Context, m Message, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retries = append(f.retries, d)
	f.taken[m.ID] = time.Now().Add(d)
	return nil
}

func (f *fake) SendToDeadLetters(_ context.Context, _ Message, reason string) error {
	return f.do("dead letters", func() error {
		f.deadLetters = append(f.deadLetters, reason)
		return nil
	})
}

// request returns a message as SNS would deliver it, and makes its response URL valid.
func (f *fake) request(kind, stack, requestID, customerID string, change func(envelope, request, properties map[string]any)) []byte {
	f.genuine[requestID] = true
	return forgery(kind, stack, requestID, customerID, change)
}

// forgery returns the same message with an invalid response URL.
func forgery(kind, stack, requestID, customerID string, change func(envelope, request, properties map[string]any)) []byte {
	stackID := fmt.Sprintf("arn:aws:cloudformation:eu-central-1:%s:stack/acme-access/%s", customer, stack)
	properties := map[string]any{
		"Hub": "acme", "ExternalId": "external-of-" + customerID, "TemplateVersion": "v1",
		"RoleArn": fmt.Sprintf("arn:aws:iam::%s:role/acme-%s", customer, customerID),
	}
	request := map[string]any{
		"RequestType": kind, "StackId": stackID, "RequestId": requestID, "LogicalResourceId": "PhoneHome",
		"ResourceType": "Custom::XacctPhoneHome", "ResourceProperties": properties,
		"ResponseURL": "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/" +
			stackID + "%7CPhoneHome%7C" + requestID + "?X-Amz-Signature=c0ffee",
	}
	if kind != "Create" {
		request["PhysicalResourceId"] = onboarding.PhysicalID("acme", customerID, must(account.ParseStackARN(stackID)), "PhoneHome")
	}
	envelope := map[string]any{
		"Type": "Notification", "MessageId": requestID, "Timestamp": noon.Format(time.RFC3339Nano),
		"TopicArn": "arn:aws:sns:eu-central-1:" + vendor + ":xacct-acme-0",
	}
	if change != nil {
		change(envelope, request, properties)
	}
	envelope["Message"] = string(must(json.Marshal(request)))
	return must(json.Marshal(envelope))
}

// s3Says returns an error response of S3.
func s3Says(code, message string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>" + code + "</Code><Message>" + message +
		"</Message><StringToSign>c0ffee</StringToSign><RequestId>4442587FB7D0A2F9</RequestId></Error>")
}

var errNetwork = errors.New("connection reset by peer")
