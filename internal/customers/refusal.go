// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"errors"
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Refusal is why a link can't be as it is asked for. Field is the attribute, by
// Terraform's name, that has to change; empty if it is none.
type Refusal struct {
	Field   string
	Summary string
	Detail  string
}

func (r *Refusal) Error() string { return r.Summary + ": " + r.Detail }

// DiffersError indicates that the customer has an open link with other settings.
type DiffersError struct {
	Hub, CustomerID string
	Field           string // the first that differs
}

func (e *DiffersError) Error() string {
	return fmt.Sprintf("customer %s of hub %s has an open link already, which differs in %s", e.CustomerID, e.Hub, e.Field)
}

// InFleetError indicates that a customer is in a fleet and would have a link of their
// own, the other way round, or would be in two fleets.
type InFleetError struct {
	Hub, CustomerID string
	Fleet, Wanted   string        // that has the open link, and that should have it; empty: a link of their own
	Differs         *DiffersError // why the one can't take the link over from the other; nil: neither asked to
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

// RenderError indicates that a link's template could not be made.
type RenderError struct{ Err error }

func (e *RenderError) Error() string { return "render the template: " + e.Err.Error() }

func (e *RenderError) Unwrap() error { return e.Err }

// Reasons returns the single errors that an error of this package was joined from.
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

// invalid joins what is wrong with a declaration, each on its attribute.
func invalid(fields []permissionset.FieldError) error {
	errs := make([]error, len(fields))
	for i, field := range fields {
		errs[i] = field
	}
	return errors.Join(errs...)
}
