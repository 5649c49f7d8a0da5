// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// restore replaces the hub's table by its backup of a time. A restore needs a free table
// name, so it goes through a copy.
func (w *world) restore(at time.Time) {
	w.t.Helper()
	ctx, client := w.t.Context(), w.Manager.clients.DynamoDB()
	table, look := aws.String(w.registry.Table()), aws.String(w.registry.Table()+"-look")
	w.pass(10 * time.Minute) // the latest restorable time is five minutes ago
	_, err := client.RestoreTableToPointInTime(ctx, &dynamodb.RestoreTableToPointInTimeInput{SourceTableName: table, TargetTableName: look, RestoreDateTime: &at})
	w.must(err)
	w.pass(10 * time.Minute)
	_, err = client.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
		TableName: look, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	})
	w.must(err)
	w.must(w.registry.DeleteTable(ctx))
	w.pass(10 * time.Minute)
	_, err = client.RestoreTableToPointInTime(ctx, &dynamodb.RestoreTableToPointInTimeInput{SourceTableName: look, TargetTableName: table, UseLatestRestorableTime: aws.Bool(true)})
	w.must(err)
	w.pass(10 * time.Minute)
}

// pass advances the clocks of the vendor and the sandbox.
func (w *world) pass(d time.Duration) {
	w.clock.Advance(d)
	w.box.Clock().Advance(d)
}

func TestARestoredTableIsDetectedAndRepaired(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.linked("globex", globex)
	back := w.box.Clock().Now()
	w.pass(time.Minute)
	w.linked("initech", initech)
	w.restore(back)

	state, err := w.Read(t.Context())
	w.must(err)
	found := false
	for _, defect := range state.Defects {
		found = found || defect == Defect{Table, Restored, w.tableARN()}
	}
	if !found || state.Record.Recovering(w.clock.Now()) {
		t.Fatalf("the restore is not noticed: %v, recovering %t", state.Defects, state.Record.Recovering(w.clock.Now()))
	}
	_, err = w.Update(t.Context(), spec())
	w.must(err)
	w.complete(spec().Regions...)
	record, err := w.registry.Hub(t.Context())
	w.must(err)
	if now := w.clock.Now(); !record.Recovering(now) || record.Recovering(now.Add(8*24*time.Hour)) {
		t.Errorf("rounds of proofs don't search for lost registrations: restored at %s", record.RestoredAt)
	}
	table, err := w.registry.TableState(t.Context())
	w.must(err)
	backups, err := w.Manager.clients.DynamoDB().DescribeContinuousBackups(t.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String(w.registry.Table())})
	w.must(err)
	recovery := backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus
	if !table.Protected || recovery != types.PointInTimeRecoveryStatusEnabled {
		t.Errorf("protected %t, point-in-time recovery %s", table.Protected, recovery)
	}
	// The next apply does not repeat it.
	_, err = w.Update(t.Context(), spec())
	w.must(err)
	if again, err := w.registry.Hub(t.Context()); err != nil || !again.RestoredAt.Equal(record.RestoredAt) {
		t.Errorf("restored again at %s: %v", again.RestoredAt, err)
	}
}
