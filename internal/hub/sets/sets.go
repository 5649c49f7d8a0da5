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

	// Creating is set if the caller has no set of the name, or one that is being
	// replaced.
	Creating bool
	// Replacing is set in a plan if the existing set belongs to a state of this very
	// operation, which retires it before it is created.
	Replacing bool
	// Missing is set if the set's template was deleted from the bucket.
	Missing bool
	// Adopting is set if the existing set may be another owner's, who loses it.
	Adopting bool
}

// Write is what has to be written for a set.
type Write struct {
	Set      onboarding.PermissionSet
	Takeover bool // the set exists with the same settings, and is not retired

	body []byte // template to publish; nil: it is published already
}

// DiffersError indicates that the hub has another set of the name.
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

// RenderError indicates that a set's template could not be made.
type RenderError struct{ Err error }

func (e *RenderError) Error() string { return "render the template: " + e.Err.Error() }

func (e *RenderError) Unwrap() error { return e.Err }

// MistakesError is what is wrong with a declaration, each on its attribute.
type MistakesError []permissionset.FieldError

func (e MistakesError) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "; ")
}

// Issue decides how the set comes to be, given what the registry has of it (nil:
// nothing). Terraform's plan and apply both get here, and come to the same
// although the one may see it as it was and the other retired. Errors are
// *OwnedError, *DiffersError, MistakesError and *RenderError.
func (d Desired) Issue(existing *onboarding.PermissionSet) (Write, error) {
	set := onboarding.PermissionSet{Hub: d.Record.Name, Name: d.Name}
	if existing != nil {
		set = *existing
	}
	if existing != nil && !set.Retired() && set.Owner != d.Owner && !d.Adopting && !d.Replacing {
		if !d.Creating && d.DiffersFrom(set) == "" {
			return Write{Set: set}, nil // it is not changed, and may be given up
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
		return w, nil // it keeps the renderer that made its template, which is kept as long as the set exists
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

// WriteOptions is how a Write is carried out.
type WriteOptions struct {
	Hub    *hub.Manager
	Record registry.HubRecord
	Now    time.Time
	// Existing is what the Write was decided on; nil: there was no such set.
	Existing *onboarding.PermissionSet
	// Incarnation is that of the set as it is written.
	Incarnation onboarding.Incarnation
	// Customers returns those of the hub. It is called if the set exists.
	Customers func(context.Context) ([]onboarding.Customer, error)
}

// Do publishes the template, which is out of use until the record names it, and
// writes the record. It returns the set as written.
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

// Referring returns the customers whose links refer to a set, open or closed,
// sorted by ID.
func Referring(customers []onboarding.Customer, name string) []onboarding.Customer {
	some := slices.DeleteFunc(slices.Clone(customers), func(c onboarding.Customer) bool { return c.Link.PermissionSet != name })
	slices.SortFunc(some, func(a, b onboarding.Customer) int { return strings.Compare(a.Link.CustomerID, b.Link.CustomerID) })
	return some
}

// OpenLinks returns the IDs of those customers whose links are open.
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

// retry does something until no other writer comes in between.
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
