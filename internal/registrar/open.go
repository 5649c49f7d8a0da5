// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"crypto/rand"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	store "github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/roleproof"
)

// Open makes the Registrar of a hub on AWS. The given configuration's clock,
// logger, concurrency and callback are kept; its parts come from the hub's
// record.
func Open(clients *awsclient.Clients, records *store.Registry, hub store.HubRecord, config Config) *Registrar {
	config.Hub = hub.Hub
	config.Queue = NewSQS(clients.SQS(hub.Region), hub.QueueURL, hub.DeadLetterQueueURL)
	config.Registry = records
	config.Prover = roleproof.New(roleproof.Config{
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
	config.Responder = NewResponder(clients.Endpoint("s3"))
	return New(config)
}
