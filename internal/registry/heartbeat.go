// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// beatsLive is how long a heartbeat is kept after a registrar has gone.
const beatsLive = 24 * time.Hour

// Beat notes that a registrar is listening.
func (r *Registry) Beat(ctx context.Context, registrarID string) error {
	now := r.now()
	beat := registrarKey(registrarID).item()
	beat["schema"] = number(schema)
	beat["at"] = text(now.UTC().Format(time.RFC3339Nano))
	beat["expires"] = moment(now.Add(beatsLive))
	if _, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: beat}); err != nil {
		return fmt.Errorf("write the heartbeat of registrar %s to table %s: %w", registrarID, r.table, err)
	}
	return nil
}

// LastBeat is when a registrar of the hub was last heard of; zero: none was,
// for at least a day.
func (r *Registry) LastBeat(ctx context.Context) (time.Time, error) {
	var last time.Time
	err := r.query(ctx, registrarsPartition, "", func(i item) error {
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
