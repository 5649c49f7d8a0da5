// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Service issues, changes and closes the links of one hub for an owner that keeps no
// state: every call reads the records and makes the remaining changes, so an
// interrupted call is completed by repeating it.
type Service struct {
	hub   *hub.Manager
	owner onboarding.Owner
	now   func() time.Time
	sets  func(ctx context.Context, name string) (onboarding.PermissionSet, error)
}

// NewService returns the Service of a hub. Its methods may be called concurrently.
func NewService(manager *hub.Manager, owner onboarding.Owner, clock func() time.Time) *Service {
	return &Service{hub: manager, owner: owner, now: clock, sets: manager.Registry().PermissionSet}
}

// Order is the desired link of a customer. If the link is open, empty fields leave
// its values unchanged, except for ExpiresAt and Metadata.
type Order struct {
	CustomerID    string
	PermissionSet string
	Account       account.ID // zero: the hub is open to anyone, or AsksAccount is set
	AsksAccount   bool       // the customer names their own account
	Region        string     // the Region that the link proposes; empty: the hub's own
	StackName     string     // the stack name that the link proposes; empty: <hub>-access
	ExpiresAt     time.Time  // zero: never
	Metadata      map[string]string
	Adopt         bool // take the link over from another owner
	DryRun        bool // return the result without changing anything

	// Revision is the link's revision that the caller has read, if it changes the
	// permission set, expiry or metadata. Zero: the link is created, or has these
	// settings already.
	Revision int64
}

// Result is the result of an order.
type Result struct {
	Record   registry.HubRecord
	Customer onboarding.Customer
	Created  bool // there was no open link before
	Changed  bool // the link's record was written, or would be in a dry run
}

// RevisionError indicates that a link does not have the revision that the caller has
// read.
type RevisionError struct {
	CustomerID string
	Want, Have int64 // the revision that the caller has read, and the link's own; Have 0: no open link
}

func (e *RevisionError) Error() string {
	if e.Have == 0 {
		return fmt.Sprintf("customer %s has no open link", e.CustomerID)
	}
	return fmt.Sprintf("the link of customer %s has changed since it was read: it is at revision %d, not %d", e.CustomerID, e.Have, e.Want)
}

// attempts is the maximum number of attempts for a write that conflicts with other
// writers.
const attempts = 5

// retry calls do until it does not conflict with another writer, at most attempts
// times, and returns its last error.
func retry(do func() error) error {
	var err error
	for range attempts {
		var exists *registry.LinkExistsError
		if err = do(); !errors.Is(err, registry.ErrConflict) && !errors.As(err, &exists) {
			return err
		}
	}
	return err
}

// Put creates or changes the customer's link to match the order. Errors are
// *RevisionError, *DiffersError, *OwnedError, *Refusal or permissionset.FieldError,
// alone or joined, registry.ErrNoPermissionSet, and those of the registry and AWS.
func (s *Service) Put(ctx context.Context, order Order) (served Result, err error) {
	if err := order.check(); err != nil {
		return Result{}, err
	}
	err = retry(func() error {
		served, err = s.put(ctx, order)
		return err
	})
	return served, err
}

func (s *Service) put(ctx context.Context, order Order) (Result, error) {
	record, existing, err := s.load(ctx, order.CustomerID)
	if err != nil {
		return Result{}, err
	}
	return s.apply(ctx, order, record, existing)
}

// apply makes the remaining changes for an order, on the hub as it was read.
func (s *Service) apply(ctx context.Context, order Order, record registry.HubRecord, existing *onboarding.Customer) (Result, error) {
	open := existing != nil && !existing.Link.Closed
	if !open && !order.ExpiresAt.IsZero() && !order.ExpiresAt.After(s.now()) {
		return Result{}, &Refusal{"expires_at", "expires_at is in the past", fmt.Sprintf(
			"The link of customer %s would have expired at %s, before it is issued: give a later time, or leave expires_at out.", order.CustomerID, timeText(order.ExpiresAt))}
	}
	if order.Revision != 0 {
		if err := order.checkRevision(existing); err != nil {
			return Result{}, err
		}
	}
	desired, err := s.desired(ctx, order, record, existing)
	if err != nil {
		return Result{}, err
	}
	w, err := desired.Issue(existing)
	if err != nil {
		return Result{}, err
	}
	if w.Takeover && !maps.Equal(existing.Link.Metadata, order.Metadata) {
		return Result{}, &DiffersError{record.Name, order.CustomerID, "metadata"}
	}
	w.Link.Metadata = order.Metadata
	if !open {
		w.Link.NamedAccounts = nil
	}
	writing := WriteOptions{Hub: s.hub, Record: record, Now: s.now().UTC(), Existing: existing, Incarnation: s.incarnation(existing)}
	if open && existing.Link.Owner == s.owner {
		writing.SkipIf = func(link onboarding.Link) bool { return existing.Link.SameRecord(link) }
	}
	link, changed := w.Link, !open || writing.SkipIf == nil
	link.Incarnation = writing.Incarnation
	if !changed {
		changed = !existing.Link.SameRecord(existing.KeepTemplates(link, writing.Now))
	}
	if !order.DryRun {
		if link, err = w.Do(ctx, writing); err != nil {
			return Result{}, err
		}
	}
	served := Result{Record: record, Customer: onboarding.Customer{Link: link}, Created: !open, Changed: changed}
	if existing != nil {
		served.Customer.Registrations = existing.Registrations
	}
	return served, nil
}

// checkRevision returns a *RevisionError if the order changes settings that the
// caller has not read, and refuses a change of the customer's account, because the
// other external ID would make it another link.
func (o Order) checkRevision(existing *onboarding.Customer) error {
	switch {
	case existing == nil || existing.Link.Closed:
		return &RevisionError{CustomerID: o.CustomerID, Want: o.Revision}
	case existing.Link.Revision != o.Revision:
		return &RevisionError{o.CustomerID, o.Revision, existing.Link.Revision}
	case !o.Account.IsZero() && o.Account != existing.Link.Account:
		return &Refusal{"account_id", "The account of an open link can't change", fmt.Sprintf(
			"Customer %s has an open link for account %s. Close it and issue another one, or give the other account a customer ID of its own.",
			o.CustomerID, nameOf(existing.Link.Account))}
	}
	return nil
}

func nameOf(id account.ID) string {
	if id.IsZero() {
		return "that is still to be named"
	}
	return id.String()
}

// load reads the hub with its key, and the customer's records; nil: there are none.
func (s *Service) load(ctx context.Context, customer string) (registry.HubRecord, *onboarding.Customer, error) {
	record, err := s.loadReadyHub(ctx)
	if err != nil {
		return record, nil, err
	}
	found, err := s.hub.Registry().Customer(ctx, customer)
	if errors.Is(err, registry.ErrNoLink) {
		return record, nil, nil
	}
	return record, &found, err
}

// loadReadyHub reads the hub with its key. It returns a *Refusal if the hub cannot serve
// customers yet.
func (s *Service) loadReadyHub(ctx context.Context) (registry.HubRecord, error) {
	record, err := s.hub.Registry().HubAndKey(ctx)
	if err == nil && record.State != registry.HubReady {
		err = &Refusal{"", fmt.Sprintf("Hub %s is not ready", record.Name), "It is being created or deleted. Try again when that is complete."}
	}
	return record, err
}

// desired returns the link that the order describes, on the hub as it is.
func (s *Service) desired(ctx context.Context, order Order, record registry.HubRecord, existing *onboarding.Customer) (Desired, error) {
	set, err := s.set(ctx, order.PermissionSet, existing)
	if err != nil {
		return Desired{}, err
	}
	w := Desired{
		Record: record, CustomerID: order.CustomerID, Owner: s.owner, Set: &set, Adopting: order.Adopt,
		Creating: order.Revision == 0 || existing == nil || existing.Link.Closed,
		Declaration: declaration.Declaration{
			Region: record.Region.String(), StackName: record.Name + "-access", ExpiresAt: timeText(order.ExpiresAt),
		},
	}
	if existing != nil && !existing.Link.Closed {
		before, err := declaration.Proposed(existing.Link)
		if err != nil {
			return Desired{}, fmt.Errorf("the link of customer %s can't be read: %w", order.CustomerID, err)
		}
		w.Declaration.Region, w.Declaration.StackName = before.Region, before.StackName
	}
	if order.Region != "" {
		w.Declaration.Region = order.Region
	}
	if order.StackName != "" {
		w.Declaration.StackName = order.StackName
	}
	w.Scope, err = order.scope(record, existing)
	return w, err
}

// set returns the permission set with a name. It refuses a retired one, unless the
// customer's open link refers to it.
func (s *Service) set(ctx context.Context, name string, existing *onboarding.Customer) (onboarding.PermissionSet, error) {
	stays := existing != nil && !existing.Link.Closed && existing.Link.PermissionSet == name
	if stays && existing.Link.Set != nil {
		return *existing.Link.Set, nil
	}
	set, err := s.sets(ctx, name)
	if err == nil && set.Retired() {
		err = fmt.Errorf("permission set %s: %w", name, registry.ErrPermissionSetRetired)
	}
	return set, err
}

// scope returns the scope of the ordered link.
func (o Order) scope(record registry.HubRecord, existing *onboarding.Customer) (Scope, error) {
	if o.Revision != 0 && o.Account.IsZero() && existing != nil { // the scope is unchanged
		link := existing.Link
		return Scope{link.Scope, link.Account, link.Organization, link.OnlyAccounts, link.AsksAccount}, nil
	}
	if record.OpenToAnyone() && o.ExpiresAt.IsZero() {
		return Scope{}, &Refusal{"expires_at", "expires_at is required", fmt.Sprintf(
			"The publishers of hub %s are \"anyone\", so expires_at is required: anyone who learns of the link could use it until then.", record.Name)}
	}
	switch {
	case !o.Account.IsZero():
		return Scope{Account: o.Account}, nil
	case o.AsksAccount:
		return Scope{AsksAccount: true}, nil
	case record.OpenToAnyone():
		return Scope{Kind: onboarding.ScopeAnyone}, nil
	}
	return Scope{}, &Refusal{"account_id", "account_id is required", fmt.Sprintf(
		"account_id is required while the publishers of hub %s are known_accounts: only accounts that a link names may phone home. "+
			"Ask the customer for their 12-digit AWS account ID, or set ask_account_id and let the connect page ask them.", record.Name)}
}

// incarnation returns a new incarnation for a link that is created or taken over.
func (s *Service) incarnation(existing *onboarding.Customer) onboarding.Incarnation {
	if existing != nil && !existing.Link.Closed && existing.Link.Owner == s.owner {
		return existing.Link.Incarnation
	}
	return onboarding.Incarnation{ID: rand.Text(), Since: s.now().UTC()}
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Close closes the customer's link if it is open. It returns a *RevisionError if
// revision is not zero and not that of the link.
func (s *Service) Close(ctx context.Context, customer string, revision int64, adopt bool) (link onboarding.Link, err error) {
	err = retry(func() error {
		found, err := s.hub.Registry().Customer(ctx, customer)
		if err != nil {
			return err
		}
		link = found.Link
		switch {
		case link.Closed:
			return nil
		case revision != 0 && link.Revision != revision:
			return &RevisionError{customer, revision, link.Revision}
		case link.Owner != s.owner && !adopt:
			return &OwnedError{found.Link.Hub, customer, link.Owner}
		}
		link, err = Close(ctx, s.hub.Registry(), found, s.now().UTC())
		return err
	})
	return link, err
}

// MaxNamedAccounts is the maximum number of accounts that a customer may name for one
// link: each occupies an entry of a topic's policy for seven days.
const MaxNamedAccounts = 3

// ErrTooManyAccounts indicates that the customer has named the maximum number of
// accounts.
var ErrTooManyAccounts = errors.New("the link has the maximum number of named accounts already")

// NameAccount sets the account of a customer's link that asks for it to the one that
// the customer has named. The other settings do not change; if another account was
// named before, the link gets another external ID.
func (s *Service) NameAccount(ctx context.Context, customer string, id account.ID) error {
	return retry(func() error {
		record, existing, err := s.load(ctx, customer)
		if err != nil {
			return err
		}
		if existing == nil || existing.Link.Closed || !existing.Link.AsksAccount {
			return fmt.Errorf("customer %s: %w", customer, registry.ErrNoLink)
		}
		link := existing.Link
		if link.Set == nil {
			return &Refusal{"permission_set", "The link has no permission set", "Only links of a permission set ask for an account."}
		}
		before, err := declaration.Proposed(link)
		if err != nil {
			return err
		}
		named, mayName := link.WithNamedAccount(id, MaxNamedAccounts)
		if !mayName {
			return ErrTooManyAccounts
		}
		desired := Desired{
			Record: record, CustomerID: customer, Owner: link.Owner, Set: link.Set, Declaration: before,
			Scope: Scope{Account: id, AsksAccount: true}, Creating: true, Replacing: true,
		}
		w, err := desired.Issue(existing)
		if err != nil {
			return err
		}
		w.Link.NamedAccounts = named
		_, err = w.Do(ctx, WriteOptions{
			Hub: s.hub, Record: record, Now: s.now().UTC(), Existing: existing, Incarnation: link.Incarnation,
			SkipIf:     func(next onboarding.Link) bool { return link.SameRecord(next) },
			Unfinished: true,
		})
		return err
	})
}

// Edit calls the function [Edit] for the hub of the service.
func (s *Service) Edit(ctx context.Context, customer string, edit func(*onboarding.Link) bool) (link onboarding.Link, changed bool, err error) {
	return Edit(ctx, s.hub.Registry(), customer, edit)
}
