// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// waiting returns a process of this release with its own function to wait.
func (w *world) waiting(wait func(context.Context, time.Duration) error) *registry.Registry {
	return registry.New(w.dynamo, hubName, w.clock.Now, registry.WithSleep(wait))
}

var errKilled = errors.New("the process was killed")

// The process that moved the organization's link dies while it waits for the older
// registrar. The next process finds nothing to move, but has to wait as well.
func TestTheProcessThatCompletesAMigrationWaitsForAnOlderRegistrarToo(t *testing.T) {
	w := newFormer(t)
	w.heard()
	sealed := w.clock.Now()
	killed := w.waiting(func(context.Context, time.Duration) error { return errKilled })
	if err := killed.Migrate(t.Context()); !errors.Is(err, errKilled) {
		t.Fatalf("it did not wait: %v", err)
	}
	registered := false
	next := w.waiting(func(_ context.Context, d time.Duration) error {
		w.clock.Advance(d)
		if !registered && w.clock.Now().Sub(sealed) >= 75*time.Second {
			registered = true
			w.formerly("pied-piper", "200000000022") // an older registrar's last possible write
		}
		return nil
	})
	w.must(next.Migrate(t.Context()))
	if !registered {
		t.Fatalf("the table was migrated %s after it was sealed", w.clock.Now().Sub(sealed))
	}
	w.migrated()
	piper, err := w.process().Customer(t.Context(), "pied-piper")
	w.must(err)
	if len(piper.Registrations) != 3 {
		t.Errorf("there are %d registrations, want 3", len(piper.Registrations))
	}
}

// This concerns processes that create links at the same time.
func TestNoOtherProcessCompletesAMigrationThatIsWaiting(t *testing.T) {
	w := newFormer(t)
	w.heard()
	other := w.waiting(func(context.Context, time.Duration) error { return errKilled })
	begun := w.clock.Now()
	migrator := w.waiting(func(_ context.Context, d time.Duration) error {
		w.clock.Advance(d)
		if err := other.Migrate(t.Context()); !errors.Is(err, errKilled) {
			t.Errorf("after %s another process did not wait: %v", w.clock.Now().Sub(begun), err)
		}
		return nil
	})
	w.must(migrator.Migrate(t.Context()))
	w.migrated()
}

// Without an organization, all accounts are known beforehand, and each has a tombstone in the
// former layout.
func TestAMigrationWaitsForNoRegistrarIfNoLinkIsForAnOrganization(t *testing.T) {
	w := newFormer(t)
	w.heard()
	_, err := w.dynamo.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(w.Table()), Key: map[string]types.AttributeValue{
		"pk": text("CUSTOMERS"), "sk": text("CUSTOMER#pied-piper/LINK"),
	}})
	w.must(err)
	migrator := w.waiting(func(context.Context, time.Duration) error { return errKilled })
	w.must(migrator.Migrate(t.Context()))
}
