// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/hub/sets"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// issueSet returns what has to be written to create, change or take over a set, and
// its errors, each on its attribute.
func issueSet(desired sets.Desired, existing *onboarding.PermissionSet) (sets.Write, diag.Diagnostics) {
	w, err := desired.Issue(existing)
	var (
		owned    *sets.OwnedError
		differs  *sets.DiffersError
		mistakes sets.MistakesError
		render   *sets.RenderError
	)
	switch {
	case err == nil:
		return w, nil
	case errors.As(err, &owned):
		return w, diag.Diagnostics{setOwned(owned.Set)}
	case errors.As(err, &differs):
		return w, diag.Diagnostics{setDiffers(differs.Set, setField(differs.Field))}
	case errors.As(err, &mistakes):
		return w, fieldErrors(setFields([]permissionset.FieldError(mistakes)))
	case errors.As(err, &render):
		err = render.Err
	}
	return w, diag.Diagnostics{cannot("render the template of", setNamed(desired.Record.Name, desired.Name), "", err)}
}

// holdsSet reports whether the state has imported the set, or has written it in its
// current incarnation. Then the apply may take the set over from another tool.
func holdsSet(state *setModel, existing *onboarding.PermissionSet) bool {
	return state != nil && existing != nil && existing.Incarnation.HeldBy(state.text("incarnation").ValueString())
}
