// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// change is the record of one write, with which a restore reverts it.
type change struct {
	at     time.Time
	key    attr.Item
	before attr.Item // nil: there was no item
}

// remember records the item that a write replaces if point-in-time recovery is
// on, and drops the records that are older than the recovery period.
func (t *table) remember(now time.Time, key, before attr.Item) {
	b := t.backups
	if b == nil {
		return
	}
	earliest := b.earliest(now)
	past := 0
	for past < len(b.changes) && b.changes[past].at.Before(earliest) {
		past++
	}
	b.changes = append(b.changes[past:], change{now, key, before})
}

// earliest returns the earliest time to which a table can be restored.
func (b *backups) earliest(now time.Time) time.Time {
	if reach := now.AddDate(0, 0, -b.days); reach.After(b.since) {
		return reach
	}
	return b.since
}

// latest returns the latest time to which a table can be restored. AWS lags by
// some minutes (aws-facts 13.6).
func (b *backups) latest(now time.Time) time.Time {
	if latest := now.Add(-5 * time.Minute); latest.After(b.since) {
		return latest
	}
	return b.since
}

// itemsAt sets a table's items to those that a table had at a time.
func (t *table) itemsAt(source *table, at time.Time) {
	partitions := make([]*partition, 0, len(source.partitions))
	for _, p := range source.partitions {
		clone := *p
		clone.items = slices.Clone(p.items)
		partitions = append(partitions, &clone)
	}
	t.partitions, t.items, t.bytes = partitions, source.items, source.bytes
	for _, c := range slices.Backward(source.backups.changes) {
		switch {
		case !c.at.After(at):
			return
		case c.before == nil:
			t.remove(c.key)
		default:
			t.put(c.before)
		}
	}
}

type restoreInput struct {
	SourceTableName, SourceTableArn string
	TargetTableName                 string
	UseLatestRestorableTime         bool
	RestoreDateTime                 *float64
	BillingModeOverride             string
	SSESpecificationOverride        *encryptionInput
}

// onTarget has the actions that a restore needs on the new table, in addition
// to its own action on the old one (aws-facts 13.6).
var onTarget = []string{"BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"}

// restoreTableToPointInTime creates a table with the items that another table
// had at a time. As on AWS, it does not restore tags, time to live,
// point-in-time recovery and deletion protection.
func (s *Service) restoreTableToPointInTime(c *kernel.Call, in *restoreInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := in.SourceTableName
	if name == "" {
		name = in.SourceTableArn
	}
	source, err := s.findTable(c, name, "RestoreTableToPointInTime")
	if err != nil {
		return nil, err
	}
	target, err := keyOf(c, in.TargetTableName)
	if err != nil {
		return nil, err
	}
	for _, action := range onTarget {
		if err := s.authorize(c, action, target); err != nil {
			return nil, err
		}
	}
	now := s.env.Clock.Now()
	at, err := in.time(source, now)
	if err != nil {
		return nil, err
	}
	if s.tables[target] != nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "TableAlreadyExistsException", "Table already exists: %s", target.name)
	}
	if in.BillingModeOverride != "" && in.BillingModeOverride != "PAY_PER_REQUEST" {
		return nil, invalid("The sandbox's DynamoDB implements the billing mode PAY_PER_REQUEST only.")
	}
	restored := &table{
		key: target, id: kernel.NewRequestID(s.env.Rand), created: now, active: now.Add(s.creating),
		hash: source.hash, sort: source.sort, class: source.class, tags: map[string]string{}, encryption: source.encryption,
	}
	if in.SSESpecificationOverride != nil {
		if restored.encryption, err = s.encrypt(c, target, in.SSESpecificationOverride); err != nil {
			return nil, err
		}
	}
	restored.itemsAt(source, at)
	s.tables[target] = restored
	description := restored.describe(now)
	description.RestoreSummary = map[string]any{
		"SourceTableArn": source.key.arn(), "RestoreDateTime": seconds(at), "RestoreInProgress": restored.status(now) != "ACTIVE",
	}
	return map[string]any{"TableDescription": description}, nil
}

// time returns the time that a restore asks for, or an error if the table
// cannot be restored to it.
func (in *restoreInput) time(source *table, now time.Time) (time.Time, error) {
	b := source.backups
	if b == nil {
		return now, kernel.Errorf(http.StatusBadRequest, "PointInTimeRecoveryUnavailableException", "Point in time recovery is not enabled for table '%s'", source.key.name)
	}
	switch {
	case in.UseLatestRestorableTime && in.RestoreDateTime == nil:
		return b.latest(now), nil
	case in.UseLatestRestorableTime || in.RestoreDateTime == nil:
		return now, invalid("Either RestoreDateTime or UseLatestRestorableTime must be given, and not both")
	}
	// Seconds, with a fraction at most of milliseconds.
	at := time.UnixMilli(int64(*in.RestoreDateTime*1000 + 0.5))
	// The limits are formatted in milliseconds.
	if at.Before(b.earliest(now).Truncate(time.Millisecond)) || at.After(b.latest(now)) {
		return now, kernel.Errorf(http.StatusBadRequest, "InvalidRestoreTimeException", "RestoreDateTime %s is not between %s and %s",
			at.UTC().Format(time.RFC3339), b.earliest(now).UTC().Format(time.RFC3339), b.latest(now).UTC().Format(time.RFC3339))
	}
	return at, nil
}

// Rewind sets a table's items to those that it had at a time, and leaves its
// settings unchanged, as if the table were restored to another one and the
// items copied back. It returns an error if there is no such table, or if
// point-in-time recovery has not been on since that time.
func (s *Service) Rewind(account, region, name string, to time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableKey{account, region, name}]
	now := s.env.Clock.Now()
	switch {
	case t == nil:
		return fmt.Errorf("there is no table %s in account %s and Region %s", name, account, region)
	case t.backups == nil:
		return fmt.Errorf("the table %s has no point-in-time recovery", name)
	case to.Before(t.backups.earliest(now)), to.After(now):
		return fmt.Errorf("the table %s can be rewound to a time between %s and now", name, t.backups.earliest(now).UTC().Format(time.RFC3339))
	}
	t.itemsAt(t, to)
	changes := t.backups.changes
	for len(changes) > 0 && changes[len(changes)-1].at.After(to) {
		changes = changes[:len(changes)-1]
	}
	t.backups.changes = changes
	return nil
}
