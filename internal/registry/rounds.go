// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// roundKey is where the registrars of a hub agree on who looks at all roles.
var roundKey = key{"HEALTH-ROUND", "ROUND"}

// ClaimRound takes the next round of proofs for the caller, if one is due and
// not taken; round then counts the rounds that were finished before. It is
// the caller's until the given time; after that it is due again, unless
// EndRound has said otherwise.
func (r *Registry) ClaimRound(ctx context.Context, until time.Time) (round int64, mine bool, err error) {
	found, err := r.getAll(ctx, roundKey, hubKey)
	if err != nil {
		return 0, false, fmt.Errorf("read when a round of proofs is due in table %s: %w", r.table, err)
	}
	r.seeLayout(found[hubKey]) // the hub may be another one than at the last round
	before := found[roundKey]
	if before != nil && r.now().Unix() < numberOf(before, "next_round") {
		return 0, false, nil
	}
	condition, values := "attribute_not_exists(pk)", item(nil)
	if before != nil {
		condition, values = "next_round = :before", item{":before": before["next_round"]}
	}
	round = numberOf(before, "rounds")
	_, err = r.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 &r.table,
		Item:                      roundItem(until, round),
		ConditionExpression:       &condition,
		ExpressionAttributeValues: values,
	})
	switch {
	case awsclient.IsConditionFailed(err):
		return 0, false, nil // another registrar was faster
	case err != nil:
		return 0, false, fmt.Errorf("claim a round of proofs in table %s: %w", r.table, err)
	}
	return round, true, nil
}

// Restored returns the hub if its table was restored lately, and nil if it was not.
func (r *Registry) Restored(ctx context.Context) (*onboarding.Hub, error) {
	hub, err := r.Hub(ctx)
	if err != nil || !hub.Recovering(r.now()) {
		return nil, err
	}
	return &hub.Hub, nil
}

// EndRound notes that a claimed round is over, and when the next one is due.
func (r *Registry) EndRound(ctx context.Context, round int64, next time.Time) error {
	_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: roundItem(next, round+1)})
	if err != nil {
		return fmt.Errorf("note the next round of proofs in table %s: %w", r.table, err)
	}
	return nil
}

func roundItem(next time.Time, rounds int64) item {
	i := roundKey.item()
	i["schema"] = number(schema)
	i["next_round"] = moment(next)
	i["rounds"] = number(rounds)
	return i
}
