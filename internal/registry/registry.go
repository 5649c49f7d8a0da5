// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package registry keeps what the vendor knows in one DynamoDB table per hub:
// the hub itself, the onboarding links, the registrations, and what has been
// accepted from every customer stack.
//
// It makes no decisions. It guarantees its callers three things: reads are consistent,
// a write succeeds only if the records that it was decided on are unchanged (otherwise
// it returns ErrConflict), and records that belong together are written in one
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
	wait   func(context.Context, time.Duration) error

	// migrated is set once the table is known to have the current layout.
	migrated atomic.Bool
	// spreads is the hub's spread; 0 until the hub's item was read.
	spreads atomic.Int64

	// reads coalesces the reads of several requests; see loader.go.
	reads *awsclient.Gatherer[key, map[key]item]
	// lastSet is the permission set that the customer of the last request had.
	lastSet atomic.Pointer[string]
}

// spread returns the hub's spread. It panics if the hub's item was not read before,
// which every read and write has to do.
func (r *Registry) spread() spread {
	n := spread(r.spreads.Load())
	if n == 0 {
		panic("the layout of table " + r.table + " was not read")
	}
	return n
}

// New returns the registry of a hub. It makes no call, so it does not check whether the
// hub exists.
func New(client *dynamodb.Client, hub string, clock func() time.Time, options ...Option) *Registry {
	r := &Registry{client: client, hub: hub, table: TableName(hub), now: clock, wait: smithytime.SleepWithContext}
	r.reads = newReads(r)
	for _, set := range options {
		set(r)
	}
	return r
}

// Option is a setting of New.
type Option func(*Registry)

// By names the principal of the vendor who changes links with this registry, for
// the history.
func By(principal string) Option { return func(r *Registry) { r.by = principal } }

type behalfKey struct{}

// OnBehalf returns a context in which links are changed for a caller of the
// principal that By names, such as one of the onboarding API, for the history.
func OnBehalf(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, behalfKey{}, caller)
}

func onBehalf(ctx context.Context) string {
	caller, _ := ctx.Value(behalfKey{}).(string)
	return caller
}

// WithWait replaces how the registry waits before it retries: a read of which DynamoDB
// left keys unprocessed, or a write that conflicts with a transaction or a lease.
func WithWait(wait func(context.Context, time.Duration) error) Option {
	return func(r *Registry) { r.wait = wait }
}

// TableName returns the name of a hub's table.
func TableName(hub string) string { return "xacct-" + hub }

// Table returns the name of the registry's table.
func (r *Registry) Table() string { return r.table }

var (
	// ErrNoHub means that the hub definitely does not exist: its table or the
	// hub's record in it is missing. Any other failure of a read is another
	// error, because Terraform creates what does not exist.
	ErrNoHub = errors.New("there is no such hub")

	// ErrNoLink means that the hub definitely has no link for a customer.
	ErrNoLink = errors.New("the hub has no link for this customer")

	// ErrConflict means that records that a write was decided on have changed.
	ErrConflict = onboarding.ErrConflict
)

// LinkExistsError indicates that the customer has a link already.
type LinkExistsError struct{ Existing onboarding.Link }

func (e *LinkExistsError) Error() string {
	return fmt.Sprintf("hub %s has a link for customer %s already, created %s",
		e.Existing.Hub, e.Existing.CustomerID, e.Existing.CreatedAt.Format(time.RFC3339))
}

// ExternalIDTakenError indicates that an external ID was issued to another customer
// of the hub. An external ID is never released: a customer who was given it once may
// still use it.
type ExternalIDTakenError struct {
	ExternalID account.ExternalID
	CustomerID string // whose it is
}

func (e *ExternalIDTakenError) Error() string {
	return fmt.Sprintf("external ID %s belongs to customer %s: every customer needs one of its own", e.ExternalID, e.CustomerID)
}

// NewerSchemaError means that a newer release wrote a record: writing it back would
// lose the fields that this release does not know.
type NewerSchemaError struct {
	Table  string
	Record string
	Schema int
}

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("record %s in table %s has schema %d, and this release reads up to %d: a newer release of xacct wrote it; upgrade this one",
		e.Record, e.Table, e.Schema, schema)
}
