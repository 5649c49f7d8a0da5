// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package registry stores the vendor's records in one DynamoDB table per hub: the hub
// itself, the onboarding links, the registrations, and what was accepted from every
// customer stack.
//
// The package makes no decisions. It guarantees that reads are consistent, that a write
// succeeds only if the records on which it was decided are unchanged (otherwise it
// returns ErrConflict), and that records that belong together are written in one
// transaction or not at all.
package registry

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Registry is the registry of one hub. Its methods may be called concurrently.
type Registry struct {
	client *dynamodb.Client
	hub    string
	table  string
	by     string
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error

	// migrated is set once the table is known to have the current layout.
	migrated atomic.Bool
	// partitions is the hub's partitioning; 0 until the hub's item is read.
	partitions atomic.Int64

	// reads coalesces the reads of several requests; see loader.go.
	reads *awsclient.Batcher[key, map[key]item]
	// lastSet is the name of the permission set of the last request's customer.
	lastSet atomic.Pointer[string]
}

// partitioning returns the hub's number of partitions. It panics unless the hub's item
// was read before: every read and write must do that first.
func (r *Registry) partitioning() partitioning {
	n := partitioning(r.partitions.Load())
	if n == 0 {
		panic("the layout of table " + r.table + " was not read")
	}
	return n
}

// New returns the registry of a hub. It makes no call, so it does not check whether the
// hub exists.
func New(client *dynamodb.Client, hub string, clock func() time.Time, options ...Option) *Registry {
	r := &Registry{client: client, hub: hub, table: TableName(hub), now: clock, sleep: smithytime.SleepWithContext}
	r.reads = newReads(r)
	for _, set := range options {
		set(r)
	}
	return r
}

// Option is a setting of New.
type Option func(*Registry)

// WithPrincipal sets the principal of the vendor that the history names for changes of
// links.
func WithPrincipal(principal string) Option { return func(r *Registry) { r.by = principal } }

type behalfKey struct{}

// OnBehalf returns a context with a caller, such as one of the onboarding API, for whom
// the principal of WithPrincipal changes links. The history names both.
func OnBehalf(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, behalfKey{}, caller)
}

func onBehalf(ctx context.Context) string {
	caller, _ := ctx.Value(behalfKey{}).(string)
	return caller
}

// WithSleep sets the function that the registry uses to wait before it retries: a read
// of which DynamoDB left keys unprocessed, or a write that conflicts with a transaction
// or a lease. The default sleeps.
func WithSleep(wait func(context.Context, time.Duration) error) Option {
	return func(r *Registry) { r.sleep = wait }
}

// TableName returns the name of a hub's table.
func TableName(hub string) string { return "xacct-" + hub }

// Table returns the name of the registry's table.
func (r *Registry) Table() string { return r.table }

var (
	// ErrNoHub indicates that the hub definitely does not exist: its table, or the
	// hub's record in the table, is missing. Any other failure of a read is a different
	// error, because Terraform creates what does not exist.
	ErrNoHub = errors.New("there is no such hub")

	// ErrNoLink indicates that the hub definitely has no link for a customer.
	ErrNoLink = errors.New("the hub has no link for this customer")

	// ErrConflict indicates that records on which a write was decided have changed.
	ErrConflict = onboarding.ErrConflict
)

// LinkExistsError indicates that the customer already has a link.
type LinkExistsError struct{ Existing onboarding.Link }

func (e *LinkExistsError) Error() string {
	return fmt.Sprintf("hub %s has a link for customer %s already, created %s",
		e.Existing.Hub, e.Existing.CustomerID, e.Existing.CreatedAt.Format(time.RFC3339))
}

// ExternalIDTakenError indicates that an external ID was issued to another customer of
// the hub. External IDs are never released, because the former holder may still use
// them.
type ExternalIDTakenError struct {
	ExternalID account.ExternalID
	CustomerID string // the customer who has it
}

func (e *ExternalIDTakenError) Error() string {
	return fmt.Sprintf("external ID %s belongs to customer %s: every customer needs one of its own", e.ExternalID, e.CustomerID)
}

// NewerSchemaError indicates that a newer release wrote a record: writing the record
// again would drop the fields that this release does not know.
type NewerSchemaError struct {
	Table  string
	Record string
	Schema int
}

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("record %s in table %s has schema %d, and this release reads up to %d: a newer release of xacct wrote it; upgrade this one",
		e.Record, e.Table, e.Schema, schema)
}
