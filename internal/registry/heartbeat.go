// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// beatsLive is how long a heartbeat is kept after a registrar has gone.
const beatsLive = 24 * time.Hour

// Beat notes that a registrar is listening.
func (r *Registry) Beat(ctx context.Context, registrarID string) error {
	if _, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: r.beat(registrarID)}); err != nil {
		return fmt.Errorf("write the heartbeat of registrar %s to table %s: %w", registrarID, r.table, err)
	}
	return nil
}

func (r *Registry) beat(registrarID string) item {
	now := r.now()
	beat := registrarKey(registrarID).item()
	beat["schema"] = number(schema)
	beat["layout"] = number(presentLayout)
	beat["at"] = text(now.UTC().Format(time.RFC3339Nano))
	beat["expires"] = moment(now.Add(beatsLive))
	return beat
}

// LastBeat returns when a registrar of the hub was last heard of; zero: none was,
// for at least a day.
func (r *Registry) LastBeat(ctx context.Context) (time.Time, error) {
	var last time.Time
	err := r.query(ctx, allOf(registrarsPartition), func(i item) error {
		at, err := time.Parse(time.RFC3339Nano, textOf(i, "at"))
		if err != nil {
			return fmt.Errorf("heartbeat %s has no time: %w", textOf(i, "sk"), err)
		}
		if at.After(last) {
			last = at
		}
		return nil
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("read the heartbeats of hub %s: %w", r.hub, err)
	}
	return last, nil
}

// trialKey is of a stack that no customer has.
var trialKey = key{"STACK#TRIAL", "STACK"}

// TransactionRefusedError says that a registrar may not write its partitions
// together, as it has to for each answer.
type TransactionRefusedError struct {
	Hub string
	Err error
}

func (e *TransactionRefusedError) Error() string {
	return fmt.Sprintf("the registrar of hub %s may not write transactions in the registry, and could store no answer: it does not begin. "+
		"Give it the policy that `xacct policy registrar --hub %s` prints. If it has that one, AWS counts dynamodb:LeadingKeys in a transaction in "+
		"another way than this release assumes (aws-facts 13.1): allow dynamodb:PutItem and dynamodb:ConditionCheckItem on the table without that "+
		"condition, and report it: %v", e.Hub, e.Hub, e.Err)
}

func (e *TransactionRefusedError) Unwrap() error { return e.Err }

// Try writes a heartbeat in a transaction over two of the registrar's
// partitions, as every answer is stored. How dynamodb:LeadingKeys counts in a
// transaction is a guess (aws-facts 13.1), and a registrar for which it is
// wrong must not begin: it would prove roles, and then answer nothing. It returns
// *TransactionRefusedError if AWS refused it, and no other error: any other
// trouble passes, or is met again by the next heartbeat.
func (r *Registry) Try(ctx context.Context, registrarID string) error {
	absent := "attribute_not_exists(pk)"
	err := r.transact(ctx, []types.TransactWriteItem{
		{Put: &types.Put{TableName: &r.table, Item: r.beat(registrarID)}},
		{ConditionCheck: &types.ConditionCheck{TableName: &r.table, Key: trialKey.item(), ConditionExpression: &absent}},
	})
	if awsclient.IsAccessDenied(err) {
		return &TransactionRefusedError{Hub: r.hub, Err: err}
	}
	return nil
}
