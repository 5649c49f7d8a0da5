// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/s3"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

const (
	hubName = "acme"
	home    = "eu-central-1"
)

// regions are where customers have their stacks.
var regions = []string{home, "us-east-1", "ap-southeast-2"}

// world is the sandbox with a hub in it, and a link for every customer.
type world struct {
	options
	box       *sandbox.Sandbox
	clients   *awsclient.Clients // the vendor's own clients, without faults
	hub       *hub.Manager
	record    registry.HubRecord
	templates [2]template
	customers []*customer
	witness   *witness

	launched atomic.Int64
	killsDue chan struct{} // one value for every kill that is due
	mu       sync.Mutex
	faulty   []string // failures: wrong outcomes, and registrars that ended by themselves
}

// template is one version of the vendor's template.
type template struct{ url, version string }

func newWorld(ctx context.Context, o options) (*world, error) {
	box, err := sandbox.Start(sandbox.WithSeed(o.seed))
	if err != nil {
		return nil, err
	}
	w := &world{options: o, box: box, killsDue: make(chan struct{}, o.kills)}
	w.witness = newWitness(box)
	if err := w.setUp(ctx); err != nil {
		return nil, errors.Join(err, box.Close())
	}
	return w, nil
}

func (w *world) setUp(ctx context.Context) error {
	var err error
	if w.clients, err = trial.Clients(ctx, w.box, sandbox.VendorAccount, home); err != nil {
		return err
	}
	if w.hub, err = hub.New(w.clients, hubName, w.box.Clock().Now, rand.Reader); err != nil {
		return err
	}
	spec := hub.Spec{
		DisplayName: "Acme", SupportURL: "https://acme.example/support",
		PublisherScope: onboarding.KnownAccounts, TemplateAccess: onboarding.TemplatesPublic,
		ResponseTimeout: w.timeout, Capacity: 1500, Shards: 1,
	}
	for _, name := range regions {
		region, err := account.ParseRegion(name)
		if err != nil {
			return err
		}
		spec.Regions = append(spec.Regions, region)
	}
	state, err := w.hub.Create(ctx, spec)
	if err != nil {
		return err
	}
	w.record = state.Record
	for i, actions := range []string{`"logs:GetLogEvents"`, `["logs:GetLogEvents","logs:FilterLogEvents"]`} {
		if w.templates[i], err = w.publish(ctx, actions); err != nil {
			return err
		}
	}
	return w.invite(ctx)
}

func (w *world) publish(ctx context.Context, actions string) (template, error) {
	spec := stacktemplate.Specification{
		Hub: hubName, DisplayName: w.record.DisplayName, SupportURL: w.record.SupportURL,
		Vendor: w.record.Account, Partition: w.record.Region.Partition(),
		Regions: w.record.Regions, ResponseTimeout: w.record.ResponseTimeout,
		Set: permissionset.Set{Role: permissionset.Role{InlinePolicies: permissionset.Policies{
			"logs": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}]}`,
		}}},
	}
	rendered, err := stacktemplate.Render(spec)
	if err != nil {
		return template{}, err
	}
	url, err := w.hub.PublishTemplate(ctx, w.record, rendered.JSON())
	return template{url: url, version: stacktemplate.Version(spec)}, err
}

// invite creates the customers, each with an account and a link.
func (w *world) invite(ctx context.Context) error {
	w.customers = make([]*customer, w.accounts)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(64)
	for i := range w.customers {
		group.Go(func() error {
			name, number := fmt.Sprintf("customer-%d", i), strconv.Itoa(200_000_000_000+i)
			id, err := account.ParseID(number)
			if err != nil {
				return err
			}
			if err := w.box.OpenAccount(number, "aws"); err != nil {
				return err
			}
			link, err := w.hub.Registry().CreateLink(ctx, onboarding.Link{
				Hub: hubName, CustomerID: name, Account: id,
				ExternalID: onboarding.ExternalID(w.record.Key.Bytes(), hubName, name, 0),
				RoleName:   hubName + "-" + name, RolePath: "/",
				TemplateVersion: w.templates[0].version, TemplateURL: w.templates[0].url,
				CreatedAt: w.box.Clock().Now(),
			})
			if err != nil {
				return err
			}
			w.customers[i] = newCustomer(w, i, link)
			return w.hub.Permissions().Allow(ctx, 0, id)
		})
	}
	return group.Wait()
}

// bucketRefusals are S3's errors that do not mean that an answer is forged: 400, 409
// and 403 (aws-facts 12.1, 12.11).
var bucketRefusals = []kernel.FaultKind{s3.RequestTimeout, s3.OperationAborted, s3.AccessDenied}

// injectFaults switches the faults on.
func (w *world) injectFaults() {
	faults := w.box.Faults()
	for _, kind := range []kernel.FaultKind{kernel.FaultThrottle, kernel.FaultServerError} {
		faults.Add(kernel.FaultRule{Kind: kind, Probability: w.faults / 2})
	}
	// The registrars' calls. An answer of the bucket may be lost, too.
	for _, call := range []kernel.FaultRule{
		{Service: "sqs"}, {Service: "dynamodb"}, {Service: "sts"}, {Service: "s3", Action: "PutObject"},
	} {
		call.Kind, call.Probability = kernel.FaultLostAnswer, w.swallowed
		faults.Add(call)
	}
	for _, kind := range bucketRefusals {
		faults.Add(kernel.FaultRule{
			Service: "s3", Action: "PutObject", Bucket: "cloudformation-custom-resource-response-*",
			Kind: kind, Probability: w.refused / float64(len(bucketRefusals)),
		})
	}
	faults.SetDelivery(kernel.DeliveryFaults{Duplicate: w.duplicates, MaxDelay: w.delay, Reorder: true})
}

// runCustomers runs all customers concurrently, and the kills with them.
func (w *world) runCustomers(ctx context.Context, f *fleet) {
	killing, enough := context.WithCancel(ctx)
	defer enough()
	var all, killer sync.WaitGroup
	killer.Go(func() { f.kill(killing) })
	for i, c := range w.customers {
		lives := w.stacks / w.accounts
		if i < w.stacks%w.accounts {
			lives++
		}
		all.Go(func() { c.run(ctx, lives) })
	}
	all.Wait()
	if w.launched.Load() < int64(w.stacks) {
		enough() // a customer stopped early, so the last kills will never be due
	}
	killer.Wait()
}

// started is called with every stack; the kills are spread over them.
func (w *world) started() {
	n := int(w.launched.Add(1))
	for range n*w.kills/w.stacks - (n-1)*w.kills/w.stacks {
		w.killsDue <- struct{}{}
	}
}

// drain waits until the queue is empty and no message is on its way to it.
func (w *world) drain(ctx context.Context) error {
	clock := w.box.Clock()
	if err := clock.WaitUntil(ctx, clock.Now().Add(w.delay)); err != nil {
		return err
	}
	// This is twice the longest time for which a message may be invisible.
	for until := clock.Now().Add(5 * time.Minute); ; {
		left, err := w.waiting(ctx, w.record.QueueURL)
		if err == nil && left == 0 {
			return nil
		}
		if err == nil && clock.Now().After(until) {
			return fmt.Errorf("%d messages are still in the queue", left)
		}
		if err := clock.WaitUntil(ctx, clock.Now().Add(5*time.Second)); err != nil {
			return err
		}
	}
}

// waiting returns the number of messages in a queue, including those in flight.
func (w *world) waiting(ctx context.Context, queue string) (int, error) {
	return trial.Messages(ctx, w.clients.SQS(w.record.Region), queue)
}

// fail records a failure: a customer's wrong outcome, or a registrar that ended by
// itself.
func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faulty = append(w.faulty, fmt.Sprintf(format, args...))
}
