// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// sessionName is the role session name, shown in CloudTrail, of sessions that prove
// roles as another principal.
const sessionName = "xacct-proof"

// Assume returns clients with the credentials of another role of the vendor, which
// customers' roles trust. It assumes the role at once, so that a denial is returned
// here and not in the middle of a proof. Later calls for the same role share the
// session, which is renewed automatically.
func (c *Clients) Assume(ctx context.Context, role account.RoleARN) (*Clients, error) {
	c.assumed.mu.Lock()
	defer c.assumed.mu.Unlock()
	if clients, ok := c.assumed.roles[role]; ok {
		return clients, nil
	}
	provider := stscreds.NewAssumeRoleProvider(c.STS(c.Region), role.String(), func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = sessionName
	})
	clients := &Clients{Region: c.Region, config: withCredentials(c.config, provider), endpoints: c.endpoints}
	if _, err := clients.config.Credentials.Retrieve(ctx); err != nil {
		return nil, c.Explain(err, role.String())
	}
	if err := clients.identify(ctx); err != nil {
		return nil, fmt.Errorf("identify the session of role %s: %w", role, err)
	}
	if c.assumed.roles == nil {
		c.assumed.roles = map[account.RoleARN]*Clients{}
	}
	c.assumed.roles[role] = clients
	return clients, nil
}

// assumed caches the clients by assumed role.
type assumed struct {
	mu    sync.Mutex
	roles map[account.RoleARN]*Clients
}

// identify sets the account and ARN of the clients from sts:GetCallerIdentity.
func (c *Clients) identify(ctx context.Context) error {
	caller, err := c.STS(c.Region).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("call sts:GetCallerIdentity: %w", err)
	}
	c.CallerARN = aws.ToString(caller.Arn)
	c.Account, err = account.ParseID(aws.ToString(caller.Account))
	return err
}
