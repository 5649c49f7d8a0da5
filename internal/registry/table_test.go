// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// protected returns the safeguards that the table lacks.
func (w *world) protected() (missing []string) {
	w.t.Helper()
	table, err := w.dynamo.DescribeTable(w.t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(w.Table())})
	w.must(err)
	if !aws.ToBool(table.Table.DeletionProtectionEnabled) {
		missing = append(missing, "deletion protection")
	}
	backups, err := w.dynamo.DescribeContinuousBackups(w.t.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String(w.Table())})
	w.must(err)
	if backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
		missing = append(missing, "point-in-time recovery")
	}
	expiry, err := w.dynamo.DescribeTimeToLive(w.t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: aws.String(w.Table())})
	w.must(err)
	if expiry.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusEnabled {
		missing = append(missing, "expiry")
	}
	tags, err := w.dynamo.ListTagsOfResource(w.t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: table.Table.TableArn})
	w.must(err)
	if len(tags.Tags) != 1 || aws.ToString(tags.Tags[0].Key) != "team" {
		missing = append(missing, "tags")
	}
	return missing
}

func TestATableIsProtectedAndCreatedOnlyOnce(t *testing.T) {
	w := newWorld(t)
	w.must(w.EnsureTable(t.Context(), registry.TableSpec{Tags: map[string]string{"old": "tag"}}))
	mark := w.sandbox.Journal().Mark()
	w.must(w.EnsureTable(t.Context(), registry.TableSpec{Tags: map[string]string{"team": "platform"}}))
	if missing := w.protected(); missing != nil {
		t.Errorf("missing: %v", missing)
	}
	if made := w.sandbox.Journal().Counts(mark)["dynamodb:CreateTable"]; made != 0 {
		t.Errorf("the table was made again, %d times", made)
	}
}

// The process stops before each of its calls in turn, until the table is complete.
func TestAnInterruptedCreationOfTheTableIsCompleted(t *testing.T) {
	t.Parallel()
	tags := map[string]string{"team": "platform"}
	for alive := 0; ; alive++ {
		w := startWorld(t)
		calls := 0
		revive := w.sandbox.Faults().Before(func(*kernel.Call) error {
			if calls++; calls > alive {
				return kernel.Errorf(400, "AccessDeniedException", "the process has stopped")
			}
			return nil
		})
		err := w.EnsureTable(t.Context(), registry.TableSpec{Tags: tags})
		if err == nil && alive < 5 {
			t.Fatalf("EnsureTable succeeded with %d calls, so nothing was tested", alive)
		}
		revive()
		w.must(w.EnsureTable(t.Context(), registry.TableSpec{Tags: tags}))
		if missing := w.protected(); missing != nil {
			t.Errorf("stopped after %d calls, then missing: %v", alive, missing)
		}
		if err == nil {
			return
		}
	}
}

func TestADeletedTableCanBeCreatedAgain(t *testing.T) {
	w := newHub(t)
	w.must(w.DeleteTable(t.Context()))
	w.must(w.DeleteTable(t.Context()))
	if _, err := w.Hub(t.Context()); !errors.Is(err, registry.ErrNoHub) {
		t.Errorf("got %v, want ErrNoHub", err)
	}
	w.must(w.EnsureTable(t.Context(), registry.TableSpec{}))
	_, err := w.CreateHub(t.Context(), w.record())
	w.must(err)
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	w := newWorld(t)
	keys, err := w.sandbox.NewUser("111111111111", "limited", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:DescribeTable","Resource":"*"}]}`)
	w.must(err)
	clients, err := trial.ClientsAs(t.Context(), w.sandbox, keys, "eu-central-1")
	w.must(err)
	err = registry.New(clients.DynamoDB(), hubName, w.clock.Now).EnsureTable(t.Context(), registry.TableSpec{})
	var denied *awsclient.PermissionError
	if !errors.As(clients.Explain(err, "the table"), &denied) || denied.Action != "dynamodb:CreateTable" {
		t.Errorf("got %v, want a PermissionError that names dynamodb:CreateTable", err)
	}
}

func TestTheLastHeartbeatIsTheNewest(t *testing.T) {
	w := newHub(t)
	if last, err := w.LastBeat(t.Context()); err != nil || !last.IsZero() {
		t.Errorf("no registrar: got %s, %v", last, err)
	}
	w.must(w.Beat(t.Context(), "second", w.clock.Now().Add(-time.Hour)))
	newest := w.clock.Now()
	w.clock.Advance(-time.Minute)
	w.must(w.Beat(t.Context(), "first", time.Time{}))
	if last, err := w.LastBeat(t.Context()); err != nil || !last.Equal(newest) {
		t.Errorf("got %s, %v; want %s", last, err, newest)
	}
	beats, err := w.Heartbeats(t.Context())
	w.must(err)
	want := []registry.Heartbeat{
		{Registrar: "second", At: newest.UTC(), Oldest: newest.Add(-time.Hour).UTC()},
		{Registrar: "first", At: newest.Add(-time.Minute).UTC()},
	}
	if diff := cmp.Diff(want, beats); diff != "" {
		t.Errorf("heartbeats (-want +got):\n%s", diff)
	}
}
