// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// heartbeatLifetime is how long a heartbeat is kept after the registrar has stopped.
const heartbeatLifetime = 24 * time.Hour

// Heartbeat is the last heartbeat of a registrar.
type Heartbeat struct {
	Registrar string
	At        time.Time
	// Oldest is when the oldest message was sent that the registrar had received and
	// not finished; zero if it had none, or does not track them.
	Oldest time.Time
}

// Beat writes a heartbeat of a registrar. oldest is when the oldest message was sent
// that the registrar has not finished; zero if it has none, or the time is unknown.
func (r *Registry) Beat(ctx context.Context, registrarID string, oldest time.Time) error {
	beat := r.beat(registrarID)
	if !oldest.IsZero() {
		beat["oldest"] = text(oldest.UTC().Format(time.RFC3339Nano))
	}
	if _, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: beat}); err != nil {
		return fmt.Errorf("write the heartbeat of registrar %s to table %s: %w", registrarID, r.table, err)
	}
	return nil
}

func (r *Registry) beat(registrarID string) item {
	now := r.now()
	beat := registrarKey(registrarID).item()
	beat["schema"] = number(schema)
	beat["layout"] = number(currentLayoutVersion)
	beat["at"] = text(now.UTC().Format(time.RFC3339Nano))
	beat["expires"] = unixTime(now.Add(heartbeatLifetime))
	return beat
}

// LastBeat returns the time of the newest heartbeat of any registrar of the hub; zero
// if there was none for at least a day.
func (r *Registry) LastBeat(ctx context.Context) (time.Time, error) {
	beats, err := r.Heartbeats(ctx)
	if err != nil || len(beats) == 0 {
		return time.Time{}, err
	}
	return beats[0].At, nil
}

// Heartbeats returns the last heartbeat of every registrar that has sent one in the
// last day, newest first. This includes the heartbeats that CheckTransactions writes.
func (r *Registry) Heartbeats(ctx context.Context) ([]Heartbeat, error) {
	var beats []Heartbeat
	err := r.query(ctx, allOf(registrarsPartition), func(i item) error {
		beat := Heartbeat{Registrar: strings.TrimPrefix(textOf(i, "sk"), registrarKey("").sk)}
		var err error
		if beat.At, err = time.Parse(time.RFC3339Nano, textOf(i, "at")); err != nil {
			return fmt.Errorf("heartbeat %s has no time: %w", beat.Registrar, err)
		}
		if oldest := textOf(i, "oldest"); oldest != "" {
			if beat.Oldest, err = time.Parse(time.RFC3339Nano, oldest); err != nil {
				return fmt.Errorf("heartbeat %s has an invalid time of its oldest message: %w", beat.Registrar, err)
			}
		}
		beats = append(beats, beat)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the heartbeats of hub %s: %w", r.hub, err)
	}
	slices.SortFunc(beats, func(a, b Heartbeat) int { return b.At.Compare(a.At) })
	return beats, nil
}

// absentKey is the key of a stack that does not exist.
var absentKey = key{"STACK#TRIAL", "STACK"}

// TransactionRefusedError indicates that a registrar may not write its partitions in a
// transaction, as every answer requires.
type TransactionRefusedError struct {
	Hub string
	Err error
}

func (e *TransactionRefusedError) Error() string {
	return fmt.Sprintf("the registrar of hub %s may not write transactions in the registry, and could not store answers, so it does not start. "+
		"Give it the policy that `xacct policy registrar --hub %s` prints. If it has that one, AWS counts dynamodb:LeadingKeys in a transaction in "+
		"another way than this release assumes (aws-facts 13.1): allow dynamodb:PutItem and dynamodb:ConditionCheckItem on the table without that "+
		"condition, and report it: %v", e.Hub, e.Hub, e.Err)
}

func (e *TransactionRefusedError) Unwrap() error { return e.Err }

// CheckTransactions writes a heartbeat in a transaction over two of the registrar's
// partitions, as answers are stored. How AWS evaluates dynamodb:LeadingKeys in a
// transaction is an assumption (aws-facts 13.1). If the assumption is wrong, the
// registrar must not start, because it would prove roles and then be unable to answer.
// It returns *TransactionRefusedError if AWS denied the transaction, and ignores all
// other errors: they are temporary, or the next heartbeat fails too.
func (r *Registry) CheckTransactions(ctx context.Context, registrarID string) error {
	absent := "attribute_not_exists(pk)"
	err := r.transact(ctx, []types.TransactWriteItem{
		{Put: &types.Put{TableName: &r.table, Item: r.beat(registrarID)}},
		{ConditionCheck: &types.ConditionCheck{TableName: &r.table, Key: absentKey.item(), ConditionExpression: &absent}},
	})
	if awsclient.IsAccessDenied(err) {
		return &TransactionRefusedError{Hub: r.hub, Err: err}
	}
	return nil
}
