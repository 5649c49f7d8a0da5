// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// roundKey is the key of the record by which one registrar of a hub claims the next
// round of proofs.
var roundKey = key{"HEALTH-ROUND", "ROUND"}

// ClaimRound claims the next round of proofs, if one is due and no other registrar has
// claimed it. It returns the number of rounds finished before, and whether the caller
// has the round. The claim lasts until the given time; after that the round is due
// again, unless EndRound has set another time.
func (r *Registry) ClaimRound(ctx context.Context, until time.Time) (round int64, mine bool, err error) {
	found, err := r.getAll(ctx, roundKey, hubKey)
	if err != nil {
		return 0, false, fmt.Errorf("read when a round of proofs is due in table %s: %w", r.table, err)
	}
	r.readLayout(found[hubKey]) // the hub may have been recreated since the last round
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
		Item:                      claimedItem(until, round, before),
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

// Restored returns the hub if its table was restored recently, and nil otherwise.
func (r *Registry) Restored(ctx context.Context) (*onboarding.Hub, error) {
	hub, err := r.Hub(ctx)
	if err != nil || !hub.Recovering(r.now()) {
		return nil, err
	}
	return &hub.Hub, nil
}

// EndRound records the end of a claimed round, its summary, and when the next round is
// due.
func (r *Registry) EndRound(ctx context.Context, round int64, found onboarding.RoundSummary, next time.Time) error {
	summary, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("record the result of a round of proofs: %w", err)
	}
	ended := roundItem(next, round+1)
	ended["last"] = text(string(summary))
	if _, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: ended}); err != nil {
		return fmt.Errorf("record the next round of proofs in table %s: %w", r.table, err)
	}
	return nil
}

// LastRound returns the summary of the last finished round of proofs, or nil if there
// is none or an earlier release finished it. next is when the next round is due, or
// zero if there never was a round. While a round is under way, next is when another
// registrar may start it over.
func (r *Registry) LastRound(ctx context.Context) (last *onboarding.RoundSummary, next time.Time, err error) {
	found, err := r.get(ctx, roundKey)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read the last round of proofs from table %s: %w", r.table, err)
	}
	if found == nil {
		return nil, time.Time{}, nil
	}
	if err := r.checkSchema(roundKey, found); err != nil {
		return nil, time.Time{}, err
	}
	if summary := textOf(found, "last"); summary != "" {
		last = new(onboarding.RoundSummary)
		if err := json.Unmarshal([]byte(summary), last); err != nil {
			return nil, time.Time{}, fmt.Errorf("read the last round of proofs from table %s: %w", r.table, err)
		}
	}
	return last, time.Unix(numberOf(found, "next_round"), 0).UTC(), nil
}

// claimedItem returns the item of a round that has begun, with the summary of the last
// one.
func claimedItem(until time.Time, rounds int64, before item) item {
	i := roundItem(until, rounds)
	if last, ok := before["last"]; ok {
		i["last"] = last
	}
	return i
}

func roundItem(next time.Time, rounds int64) item {
	i := roundKey.item()
	i["schema"] = number(schema)
	i["next_round"] = unixTime(next)
	i["rounds"] = number(rounds)
	return i
}

// passKey is the key of the record by which one registrar of a hub claims the next pass,
// which looks for roles that customers made without a stack.
var passKey = key{"HEALTH-ROUND", "PASS"}

// ClaimPass claims the next pass, which looks for roles without a stack, and reports
// whether one was due and no other registrar has claimed it. since is when the previous
// pass was claimed.
func (r *Registry) ClaimPass(ctx context.Context, next time.Time) (since time.Time, mine bool, err error) {
	found, err := r.getAll(ctx, passKey)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("read when the next pass for roles without a stack is due from table %s: %w", r.table, err)
	}
	before := found[passKey]
	if before != nil && r.now().Unix() < numberOf(before, "next_pass") {
		return time.Time{}, false, nil
	}
	condition, values := "attribute_not_exists(pk)", item(nil)
	if before != nil {
		condition, values = "next_pass = :before", item{":before": before["next_pass"]}
	}
	_, err = r.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &r.table, Item: r.passItem(next), ConditionExpression: &condition, ExpressionAttributeValues: values,
	})
	switch {
	case awsclient.IsConditionFailed(err):
		return time.Time{}, false, nil
	case err != nil:
		return time.Time{}, false, fmt.Errorf("claim a pass for roles without a stack in table %s: %w", r.table, err)
	}
	return time.Unix(numberOf(before, "taken_at"), 0).UTC(), true, nil
}

// PostponePass moves the time at which the next pass is due.
func (r *Registry) PostponePass(ctx context.Context, next time.Time) error {
	_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: r.passItem(next)})
	if err != nil {
		return fmt.Errorf("postpone the next pass for roles without a stack in table %s: %w", r.table, err)
	}
	return nil
}

func (r *Registry) passItem(next time.Time) item {
	i := passKey.item()
	i["schema"] = number(schema)
	i["next_pass"] = unixTime(next)
	i["taken_at"] = unixTime(r.now())
	return i
}

// LiveHub returns the hub as recorded, read from the table.
func (r *Registry) LiveHub(ctx context.Context) (onboarding.Hub, error) {
	record, err := r.Hub(ctx)
	return record.Hub, err
}
