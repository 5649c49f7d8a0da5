// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package sets writes and retires the permission sets of a hub. Terraform and the
// commands both use it, so that a set is the same whichever of them writes it.
//
// [Desired] decides, without any call, what has to be written; a [Write] makes the
// change. [Service] combines both for callers without a state of their own.
package sets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// Desired is a permission set as it is declared, on the hub as it is or will be.
type Desired struct {
	Record   registry.HubRecord
	Name     string
	Declared permissionset.Set
	Owner    onboarding.Owner

	// Creating is set if the caller has no set with the name, or if it replaces the one
	// that it has.
	Creating bool
	// Replacing is set in a plan if the same operation retires the existing set before
	// it creates the set again.
	Replacing bool
	// Missing is set if the set's template was deleted from the bucket.
	Missing bool
	// Adopting is set if the set may be taken from another owner.
	Adopting bool
}

// Write contains the changes to make for a set.
type Write struct {
	Set      onboarding.PermissionSet
	Takeover bool // the set exists with the same settings, and is not retired

	body []byte // template to publish; nil: it is published already
}

// DiffersError indicates that the hub already has a set with the name, which differs
// from the desired one.
type DiffersError struct {
	Set   onboarding.PermissionSet
	Field string // the first that differs: a field of permissionset.Set
}

func (e *DiffersError) Error() string {
	return fmt.Sprintf("hub %s has another permission set %s already, which differs in %s", e.Set.Hub, e.Set.Name, e.Field)
}

// OwnedError indicates that a permission set belongs to another of the vendor's tools.
type OwnedError struct{ Set onboarding.PermissionSet }

func (e *OwnedError) Error() string {
	return fmt.Sprintf("permission set %s of hub %s belongs to %s", e.Set.Name, e.Set.Hub, e.Set.Owner)
}

// RenderError indicates that a set's template could not be rendered.
type RenderError struct{ Err error }

func (e *RenderError) Error() string { return "render the template: " + e.Err.Error() }

func (e *RenderError) Unwrap() error { return e.Err }

// MistakesError contains the mistakes of a declaration, each with its attribute.
type MistakesError []permissionset.FieldError

func (e MistakesError) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "; ")
}

// Issue returns what has to be written for the set, given the registry's record of it;
// nil if there is none. Terraform's plan and apply both call it, and get the same
// result, although in a replacement only the apply sees the existing set retired.
// Errors are *OwnedError, *DiffersError, MistakesError and *RenderError.
func (d Desired) Issue(existing *onboarding.PermissionSet) (Write, error) {
	set := onboarding.PermissionSet{Hub: d.Record.Name, Name: d.Name}
	if existing != nil {
		set = *existing
	}
	if existing != nil && !set.Retired() && set.Owner != d.Owner && !d.Adopting && !d.Replacing {
		if !d.Creating && d.DiffersFrom(set) == "" {
			return Write{Set: set}, nil // nothing changes, and the caller may remove the set from its state
		}
		return Write{}, &OwnedError{set}
	}
	w := Write{Takeover: existing != nil && d.Creating && !d.Replacing && !set.Retired()}
	if w.Takeover {
		if field := d.DiffersFrom(set); field != "" {
			return Write{}, &DiffersError{set, field}
		}
	}
	spec, mistakes := declaration.Specification(d.Record.Hub, d.Declared)
	if len(mistakes) > 0 {
		return Write{}, MistakesError(mistakes)
	}
	set.RetiredAt, set.Owner = time.Time{}, d.Owner
	set.RoleName, set.RolePath = d.Declared.Role.Name, d.Declared.Role.Path
	set.TrustedPrincipals, set.AdditionalRoles = spec.Provers(spec.Vendor), declaration.AdditionalRoles(spec)
	set.RegisterWithoutStack = d.Declared.RegisterWithoutStack
	set.Declared = declaration.EncodeSet(d.Declared)
	set.TemplateVersion = stacktemplate.Version(spec)
	rendering := declaration.Rendering(spec)
	if existing != nil && !d.Creating && !d.Missing && existing.Rendered == rendering {
		w.Set = set
		return w, nil // it keeps its template, even if this release would render another one
	}
	template, err := stacktemplate.Render(spec)
	if err != nil {
		return Write{}, &RenderError{err}
	}
	w.body = template.JSON()
	set.Rendered = rendering
	set.TemplateURL, set.TemplateParameters = hub.TemplateURL(d.Record, template.Digest()), template.LinkParameters()
	w.Set = set
	return w, nil
}

// DiffersFrom returns the name of the first field in which an existing set differs
// from the desired one; empty if none does.
func (d Desired) DiffersFrom(set onboarding.PermissionSet) string {
	found, err := declaration.OfSet(set)
	if err != nil {
		return "a declaration that can't be read"
	}
	return permissionset.Differs(d.Declared, found)
}

// WriteOptions contains the hub and the records that a Write needs.
type WriteOptions struct {
	Hub    *hub.Manager
	Record registry.HubRecord
	Now    time.Time
	// Existing is the record from which the Write was decided; nil if there was none.
	Existing *onboarding.PermissionSet
	// Incarnation is the incarnation of the set to be written.
	Incarnation onboarding.Incarnation
	// Customers returns the customers of the hub. It is called only if the set exists.
	Customers func(context.Context) ([]onboarding.Customer, error)
}

// Do publishes the template, which is unused until the record names it, and then writes
// the record. It returns the set as written.
func (w Write) Do(ctx context.Context, in WriteOptions) (onboarding.PermissionSet, error) {
	if w.body != nil {
		if _, err := in.Hub.PublishTemplate(ctx, in.Record, w.body); err != nil {
			return onboarding.PermissionSet{}, err
		}
	}
	set := w.Set
	set.Incarnation = in.Incarnation
	if in.Existing == nil {
		set.CreatedAt = in.Now
		return in.Hub.Registry().CreatePermissionSet(ctx, set)
	}
	customers, err := in.Customers(ctx)
	if err != nil {
		return onboarding.PermissionSet{}, err
	}
	set = set.Succeed(*in.Existing, Referring(customers, set.Name), in.Now)
	return in.Hub.Registry().UpdatePermissionSet(ctx, set)
}

// Referring returns the customers whose links, open or closed, refer to a set. They are
// sorted by ID.
func Referring(customers []onboarding.Customer, name string) []onboarding.Customer {
	some := slices.DeleteFunc(slices.Clone(customers), func(c onboarding.Customer) bool { return c.Link.PermissionSet != name })
	slices.SortFunc(some, func(a, b onboarding.Customer) int { return strings.Compare(a.Link.CustomerID, b.Link.CustomerID) })
	return some
}

// OpenLinks returns the IDs of the customers whose links are open.
func OpenLinks(referring []onboarding.Customer) []string {
	var open []string
	for _, c := range referring {
		if !c.Link.Closed {
			open = append(open, c.Link.CustomerID)
		}
	}
	return open
}

// Retire retires a set: links that refer to it stay as they are, and no other may
// refer to it. It returns the set as written.
func Retire(ctx context.Context, records *registry.Registry, set onboarding.PermissionSet, now time.Time) (onboarding.PermissionSet, error) {
	set.RetiredAt = now.UTC().Truncate(time.Second)
	return records.UpdatePermissionSet(ctx, set)
}

// retry calls do again after a conflict with another writer, and returns its last error.
func retry(do func() error) error {
	const attempts = 5
	var err error
	for range attempts {
		var exists *registry.PermissionSetExistsError
		if err = do(); !errors.Is(err, registry.ErrConflict) && !errors.As(err, &exists) {
			return err
		}
	}
	return err
}
