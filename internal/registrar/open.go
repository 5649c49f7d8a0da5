// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"log/slog"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	publisher "github.com/xacct/terraform-provider-xacct/internal/events"
	"github.com/xacct/terraform-provider-xacct/internal/outbound"
	store "github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/roleproof"
	"github.com/xacct/terraform-provider-xacct/internal/snscert"
)

// Open returns the Registrar of a hub on AWS. It sets the hub, queue, registry,
// prover, responder and events of the configuration from the hub's record, and the
// verifier if there is none. It returns an error if the CA bundle of the clients is
// invalid.
func Open(clients *awsclient.Clients, records *store.Registry, hub store.HubRecord, config Config) (*Registrar, error) {
	if config.Clock == nil {
		config.Clock = time.Now
	}
	roots, err := outbound.Roots(clients.Bundle)
	if err != nil {
		return nil, err
	}
	if config.Verifier == nil {
		verifier, err := snscert.New(snscert.Config{Endpoint: clients.Endpoint("sns"), Bundle: clients.Bundle, Clock: config.Clock})
		if err != nil {
			return nil, err
		}
		config.Verifier = verifier
	}
	config.Hub = hub.Hub
	config.Queue = NewSQS(clients.SQS(hub.Region), hub.QueueURL, hub.DeadLetterQueueURL)
	config.Registry = records
	config.Prover = NewProver(clients, hub)
	config.Responder = NewBucketResponder(clients.Endpoint("s3"), roots)
	ways := publisher.Fanout{NewPublisher(clients, records, config.Clock, config.Logger)}
	if config.Webhook.Secrets != nil {
		ways = append(ways, newWebhook(records, roots, config))
	}
	config.Events = ways
	return New(config), nil
}

// NewPublisher returns the Publisher that sends the hub's events from its outbox to
// its event bus. The logger may be nil.
func NewPublisher(clients *awsclient.Clients, records *store.Registry, clock func() time.Time, logger *slog.Logger) *publisher.Publisher {
	return publisher.New(publisher.Config{
		Outbox: records,
		Bus:    func(region account.Region) publisher.Client { return clients.EventBridge(region) },
		Clock:  clock,
		Logger: logger,
	})
}

// newWebhook returns the Webhook that sends the hub's events to its webhook, signed
// with the keys of this process.
func newWebhook(records *store.Registry, roots *x509.CertPool, config Config) *publisher.Webhook {
	client := config.Webhook.Client
	if client == nil {
		client = outbound.New(outbound.Options{Private: config.Webhook.Private, Roots: roots, Timeout: 10 * time.Second})
	}
	return publisher.NewWebhook(publisher.WebhookConfig{
		Outbox: records, Client: client, Secrets: config.Webhook.Secrets,
		Clock: config.Clock, Logger: config.Logger, Observe: config.Webhook.Observe,
	})
}

// NewProver returns the Prover of roles of the hub's customers. It assumes them as
// the caller, or as one of the vendor's own roles if a customer's role trusts only
// that one.
func NewProver(clients *awsclient.Clients, hub store.HubRecord) *roleproof.Prover {
	return roleproof.New(roleproof.Config{
		STS:           clients.STS(clients.Region),
		CallerARN:     clients.CallerARN,
		VendorAccount: hub.Account,
		Assume: func(ctx context.Context, role account.RoleARN) (roleproof.STS, error) {
			assumed, err := clients.Assume(ctx, role)
			if err != nil {
				return nil, err
			}
			return assumed.STS(assumed.Region), nil
		},
		Random: rand.Reader,
	})
}
