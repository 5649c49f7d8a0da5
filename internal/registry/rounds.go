// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// roundKey is where the registrars of a hub agree on who looks at all roles.
var roundKey = key{"HEALTH-ROUND", "ROUND"}

// ClaimRound takes the next round of proofs for the caller, if one is due and
// nobody has it. It is the caller's until then; after that it is due again,
// unless SetNextRound has said otherwise.
func (r *Registry) ClaimRound(ctx context.Context, until time.Time) (bool, error) {
	_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 &r.table,
		Item:                      roundItem(until),
		ConditionExpression:       aws.String("attribute_not_exists(pk) OR next_round <= :now"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": moment(r.now())},
	})
	switch {
	case awsclient.IsConditionFailed(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("claim a round of proofs in table %s: %w", r.table, err)
	}
	return true, nil
}

// SetNextRound says when the next round is due.
func (r *Registry) SetNextRound(ctx context.Context, at time.Time) error {
	_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: roundItem(at)})
	if err != nil {
		return fmt.Errorf("note the next round of proofs in table %s: %w", r.table, err)
	}
	return nil
}

func roundItem(next time.Time) item {
	i := roundKey.item()
	i["schema"] = number(schema)
	i["next_round"] = moment(next)
	return i
}
