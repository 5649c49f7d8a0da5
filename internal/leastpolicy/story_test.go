// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// A story is what a caller must be able to do, step by step. It ends with the first step that fails. A
// step that waits gives up once the caller's policy has refused something.

// step returns the error of a step with the step's name, or nil.
func step(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// registrarStory creates a hub as another caller, and runs a registrar under the caller's policy that
// answers a customer: Create, Update, an unreadable message, Delete.
func (w *world) registrarStory(trusted ...account.RoleARN) error {
	h := w.openHub(w.admin())
	public := w.spec(nil, virginia, ireland)
	public.TemplateAccess = onboarding.TemplatesPublic
	if _, err := h.Create(w.t.Context(), public); err != nil {
		w.t.Fatal(err)
	}
	link, err := declare(w.t.Context(), h, "Reads", onboarding.Link{}, trusted...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.rounds = true
	stop, err := w.listen(registry.New(w.caller.DynamoDB(), "acme", w.Clock().Now))
	if err != nil {
		return step("open the hub", err)
	}
	return errors.Join(w.customerStory(h, link, trusted...), stop())
}

// round runs a registrar's round of proofs of all registrations.
func (w *world) round() error {
	records := registry.New(w.caller.DynamoDB(), "acme", w.Clock().Now)
	record, err := records.Hub(w.t.Context())
	if err != nil {
		return err
	}
	var found []health.Verdict
	health.Once(w.t.Context(), health.Schedule{
		Every: 24 * time.Hour, Claims: records, Log: slog.New(w.witness),
		Round: health.Config{
			Registry: records, Prover: registrar.NewProver(w.caller, record), Clock: w.Clock().Now,
			OnFinding: func(f health.Finding) { found = append(found, f.Verdict) },
		},
	})
	if len(found) != 1 || found[0] != health.Works {
		return fmt.Errorf("it found %v", found)
	}
	return nil
}

// functionStory is the registrar's story, and what Lambda does with the queue in the function's role.
func (w *world) functionStory() error {
	if err := w.registrarStory(); err != nil {
		return err
	}
	queue := w.caller.SQS(virginia)
	admin := w.admin().SQS(virginia)
	url, err := admin.GetQueueUrl(w.t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(hub.QueueName("acme"))})
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = queue.GetQueueAttributes(w.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl})
	return step("look at the event source", err)
}

// providerStory does what Terraform does with a hub and a link over their lifetime. A customer connects
// and leaves while an apply waits.
func (w *world) providerStory() error {
	ctx, h := w.t.Context(), w.openHub(w.caller)
	tags := map[string]string{"team": "platform"}
	if _, err := h.OtherRegions(ctx); err != nil {
		return step("look for a hub of the same name", err)
	}
	if _, err := h.Create(ctx, w.spec(tags, virginia, ireland)); err != nil {
		return step("create the hub", err)
	}
	link, err := declare(ctx, h, "Reads", onboarding.Link{})
	if err != nil {
		return step("create the link", err)
	}
	if _, err := h.Registry().LastBeat(ctx); err != nil {
		return step("see whether a registrar is running", err)
	}
	if _, err := h.Update(ctx, w.spec(tags, virginia, ireland, oregon)); err != nil {
		return step("add a Region", err)
	}
	if err := w.changeByHand(virginia, ireland, oregon); err != nil {
		w.t.Fatal(err)
	}
	if _, err := h.Update(ctx, w.spec(map[string]string{"owner": "intake"}, virginia, ireland, oregon)); err != nil {
		return step("repair the hub and change its tags", err)
	}
	if state, err := h.Read(ctx); err != nil || len(state.Defects) > 0 {
		return step("read the hub", errors.Join(err, missing(state)))
	}
	stop, err := w.listen(h.Registry())
	if err != nil {
		return step("wait for the customer", err)
	}
	if err := errors.Join(w.customerStory(h, link), stop()); err != nil {
		return err
	}
	if _, err := h.Update(ctx, w.spec(nil, virginia, ireland)); err != nil {
		return step("remove a Region", err)
	}
	if err := w.tidy(h); err != nil {
		return step("delete unused templates", err)
	}
	if err := w.closeLink(h, link.CustomerID); err != nil {
		return step("close the link", err)
	}
	_, err = h.DeleteIncarnation(ctx, hub.DeleteRequest{TakeoverWait: time.Second})
	return step("destroy the hub", err)
}

// closeLink closes a link as its destruction does, because a hub with open links can't be destroyed.
func (w *world) closeLink(h *hub.Manager, customer string) error {
	found, err := h.Registry().Customer(w.t.Context(), customer)
	if err != nil {
		return err
	}
	found.Link.Closed, found.Link.ClosedAt = true, w.Clock().Now()
	_, err = h.Registry().UpdateLink(w.t.Context(), found.Link)
	return err
}

// tidy does what a later change of a link does: it publishes an old template again, and deletes unused
// ones.
func (w *world) tidy(h *hub.Manager) error {
	record, err := h.Registry().Hub(w.t.Context())
	if err != nil {
		return err
	}
	for _, template := range []string{"comes back", "does not"} {
		if _, err := h.PublishTemplate(w.t.Context(), record, []byte(template)); err != nil {
			return err
		}
	}
	w.Clock().Advance(2 * onboarding.Grace)
	if _, err := w.openHub(w.caller).PublishTemplate(w.t.Context(), record, []byte("comes back")); err != nil {
		return err
	}
	return h.SweepTemplates(w.t.Context(), w.Clock().Now())
}

func missing(s hub.State) error {
	if len(s.Defects) == 0 {
		return nil
	}
	return fmt.Errorf("missing: %v", s.Defects)
}

// listen runs a registrar of the caller until it is stopped.
func (w *world) listen(records *registry.Registry) (stop func() error, err error) {
	record, err := records.Hub(w.t.Context())
	if err != nil {
		return nil, err
	}
	r, err := registrar.Open(w.caller, records, record, registrar.Config{
		Clock: w.Clock().Now, Logger: slog.New(w.witness), OnCommit: func(string) { w.commits <- struct{}{} },
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() error {
		cancel()
		return errors.Join(<-done, w.warnings())
	}, nil
}

// customerStory launches, updates and deletes globex's stack, and sends an unreadable message. It gives
// up if the caller's policy refuses something.
func (w *world) customerStory(h *hub.Manager, link onboarding.Link, trusted ...account.RoleARN) error {
	ctx := w.waitCtx
	open, err := w.readable(link)
	if err != nil {
		return step("sign the link", err)
	}
	url, err := acctest.LaunchURL(open)
	if err != nil {
		return err
	}
	stack, err := w.LaunchURL(ctx, url, globex.String(), sandbox.LaunchOptions{})
	if err != nil {
		return step("launch the link", err)
	}
	if err := w.waitForEnd(stack, "CREATE_COMPLETE"); err != nil {
		return err
	}
	if w.rounds {
		if err := w.round(); err != nil {
			return step("prove the role again", err)
		}
	}
	link, err = declare(w.t.Context(), h, "Reads more", link, trusted...)
	if err != nil {
		return step("change the link", err)
	}
	if open, err = w.readable(link); err != nil {
		return step("sign the link again", err)
	}
	if err := w.UpdateStack(ctx, stack, sandbox.UpdateOptions{TemplateURL: open.TemplateURL}); err != nil {
		return step("update the stack", err)
	}
	if err := w.waitForEnd(stack, "UPDATE_COMPLETE"); err != nil {
		return err
	}
	if err := w.sendUnreadable(); err != nil {
		return step("move an unreadable message to the dead letters", err)
	}
	if err := w.DeleteStack(ctx, stack); err != nil {
		return step("delete the stack", err)
	}
	if err := w.waitForEnd(stack, "DELETE_COMPLETE"); err != nil {
		return err
	}
	return w.isListening()
}

// waitForEnd waits until the stack has a final status and the registrar has committed the result, which it
// does after it has answered.
func (w *world) waitForEnd(stackID, status string) error {
	stack, err := w.WaitStack(w.waitCtx, stackID)
	if err == nil && stack.Status != status {
		err = fmt.Errorf("it is %s: %s", stack.Status, stack.StatusReason)
	}
	if err == nil {
		select {
		case <-w.commits:
		case <-w.waitCtx.Done():
			err = w.waitCtx.Err()
		}
	}
	return step("wait for "+status, err)
}

// sendUnreadable sends an unreadable message and waits until it is in the dead-letter queue.
func (w *world) sendUnreadable() error {
	topic := acme(ireland).Topics[0].String()
	if err := w.ForgedPublish(w.waitCtx, globex.String(), topic, "", "no request at all"); err != nil {
		return err
	}
	queues := w.admin().SQS(virginia)
	url, err := queues.GetQueueUrl(w.waitCtx, &sqs.GetQueueUrlInput{QueueName: aws.String(hub.DeadLetterQueueName("acme"))})
	if err != nil {
		return err
	}
	for {
		out, err := queues.ReceiveMessage(w.waitCtx, &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, WaitTimeSeconds: 20})
		if err != nil || len(out.Messages) > 0 {
			return err
		}
	}
}

// isListening checks that the registrar has written a heartbeat.
func (w *world) isListening() error {
	beat, err := registry.New(w.admin().DynamoDB(), "acme", w.Clock().Now).LastBeat(w.t.Context())
	if err == nil && beat.IsZero() {
		err = errors.New("there is none")
	}
	return step("see the registrar's heartbeat", err)
}

// changeByHand makes changes by hand that the next apply repairs.
func (w *world) changeByHand(regions ...account.Region) error {
	admin, ctx := w.admin(), w.t.Context()
	for _, topic := range acme(regions...).Topics {
		client := admin.SNS(topic.Region)
		out, err := client.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(topic.String())})
		if err != nil {
			return err
		}
		for _, s := range out.Subscriptions {
			_, err := client.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
				SubscriptionArn: s.SubscriptionArn, AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String("true"),
			})
			if err != nil {
				return err
			}
		}
	}
	queues := admin.SQS(virginia)
	for _, name := range []string{hub.QueueName("acme"), hub.DeadLetterQueueName("acme")} {
		url, err := queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return err
		}
		_, err = queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
			QueueUrl: url.QueueUrl, Attributes: map[string]string{"MessageRetentionPeriod": "3600"},
		})
		if err != nil {
			return err
		}
	}
	record, err := registry.New(admin.DynamoDB(), "acme", w.Clock().Now).Hub(ctx)
	if err != nil {
		return err
	}
	_, err = admin.S3().PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
		Bucket: &record.Bucket, ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{Rules: []s3types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{SSEAlgorithm: s3types.ServerSideEncryptionAwsKms},
		}}},
	})
	return err
}
