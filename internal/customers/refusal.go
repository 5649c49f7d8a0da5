// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"errors"
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Refusal is the reason why a link is refused. Field is the attribute that has to
// change, by its name in Terraform; empty: none.
type Refusal struct {
	Field   string
	Summary string
	Detail  string
}

func (r *Refusal) Error() string { return r.Summary + ": " + r.Detail }

// DiffersError indicates that the customer has an open link with other settings.
type DiffersError struct {
	Hub, CustomerID string
	Field           string // the first attribute that differs
}

func (e *DiffersError) Error() string {
	return fmt.Sprintf("customer %s of hub %s has an open link already, which differs in %s", e.CustomerID, e.Hub, e.Field)
}

// InFleetError indicates that a customer's open link belongs to another fleet than the
// desired one, or that one of the two is a link outside of any fleet.
type InFleetError struct {
	Hub, CustomerID string
	Fleet, Wanted   string        // the fleet of the open link, and of the desired one; empty: a link outside of any fleet
	Differs         *DiffersError // why the link cannot be taken over; nil: no takeover was asked for
}

func (e *InFleetError) Error() string {
	text := fmt.Sprintf("customer %s of hub %s has an open link in %s, and can't have another one in %s", e.CustomerID, e.Hub, fleetNamed(e.Fleet), fleetNamed(e.Wanted))
	if e.Differs != nil {
		text += ", which differs in " + e.Differs.Field
	}
	return text
}

func fleetNamed(name string) string {
	if name == "" {
		return "a resource of its own"
	}
	return "fleet " + name
}

// RenderError indicates that a link's template could not be rendered.
type RenderError struct{ Err error }

func (e *RenderError) Error() string { return "render the template: " + e.Err.Error() }

func (e *RenderError) Unwrap() error { return e.Err }

// Reasons returns the single errors that were joined to an error of this package.
func Reasons(err error) []error {
	var joined interface{ Unwrap() []error }
	if err == nil {
		return nil
	}
	if !errors.As(err, &joined) {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = slices.Concat(all, Reasons(one))
	}
	return all
}

// invalid joins the errors in a declaration, each as a Refusal with its attribute.
func invalid(fields []permissionset.FieldError) error {
	errs := make([]error, len(fields))
	for i, field := range fields {
		errs[i] = field
	}
	return errors.Join(errs...)
}
