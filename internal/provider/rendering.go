// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// A template contains its hub's Regions, vendor and timeout. If these change, the
// templates of permission sets and links are rendered again and get other addresses.
// Their version stays the same, because the role does.
//
// The plan compares digests in the private state with what the hub will be after this
// same operation, or otherwise with what it was when it was last read. It never uses
// the registry's current content: the hub may be changed elsewhere between plan and
// apply, and Terraform refuses a final plan that differs from the first.

// rendering is what Terraform's private state contains about the template of a link or
// a set.
type rendering struct {
	Made string `json:"made,omitempty"` // digest of the hub for which the template was rendered; empty: another one than Seen
	Seen string `json:"seen,omitempty"` // digest of the hub when it was last read; empty: an earlier release wrote the state

	missing bool // the template was deleted from the bucket
}

// renderingKey is the key of the rendering in private state.
const renderingKey = "template"

// after returns the rendering of a link that was just written. Seen changes only if
// this operation also wrote the hub.
func (r rendering) after(view *hubview.View, link onboarding.Link) rendering {
	next := rendering{Made: link.RenderedFor, Seen: r.Seen}
	if record, ok := view.RecordOfMove(); ok {
		next.Seen = declaration.HubRendering(record.Hub)
	} else if r.Seen == "" {
		next.Seen = link.RenderedFor
	}
	return next
}

// keptRendering reads the rendering that keep wrote. A state without a
// template_version means that a refresh found the template missing: see
// missingTemplate.
func keptRendering(ctx context.Context, private privateReader, version types.String) (r rendering) {
	text, _ := private.GetKey(ctx, renderingKey)
	_ = json.Unmarshal(text, &r) // no data: nothing is known
	r.missing = version.IsNull()
	return r
}

// keep writes the rendering to private state.
func (r rendering) keep(ctx context.Context, private privateWriter) diag.Diagnostics {
	text, _ := json.Marshal(r)
	return private.SetKey(ctx, renderingKey, text)
}

// known returns the values that decide whether the link keeps its template.
func (r rendering) known(moves bool) customers.KnownTemplate {
	return customers.KnownTemplate{RenderedFor: r.Made, StillValid: !moves, Missing: r.missing}
}

// forHub returns the digest of the hub for which a template was rendered: the recorded
// one or, if an earlier release rendered it and recorded none, that of the hub when
// this release first read it.
func (r rendering) forHub(recorded string) string {
	if recorded != "" {
		return recorded
	}
	return r.Made
}

// moves reports whether the hub, as it will be after this operation, needs another
// template. The link or set that has the template is called user.
func (r rendering) moves(view *hubview.View, user string) bool {
	for {
		if record, ok := view.RecordOfMove(); ok {
			return r.Made == "" || r.Made != declaration.HubRendering(record.Hub)
		}
		if view.Planned.UseHub(user, r.Seen) {
			return r.Made == "" || r.Made != r.Seen
		}
	}
}

// missingTemplate reports, with a warning, whether a template was deleted from the
// bucket. The caller then removes the template from the state, so that the plan shows
// it, and the apply publishes it again. One listing of the bucket serves all
// templates.
func missingTemplate(ctx context.Context, view *hubview.View, of, address string, diags *diag.Diagnostics) bool {
	there, err := view.HasTemplate(ctx, address)
	switch {
	case err != nil:
		diags.Append(cannot("list the templates of", hubNamed(view.Name), "", err))
	case !there:
		diags.AddWarning("Templates were deleted from the hub's bucket", "The template of "+of+" is gone, so no customer can launch a stack with it. The next apply publishes it again.\n\n"+address)
	}
	return err == nil && !there
}

// madeFor returns the rendering of a set's template according to the set's record.
func madeFor(hub registry.HubRecord, set onboarding.PermissionSet) rendering {
	r := rendering{Seen: declaration.HubRendering(hub.Hub)}
	if declared, err := declaration.OfSet(set); err == nil {
		if spec, _ := declaration.Specification(hub.Hub, declared); declaration.Rendering(spec) == set.Rendered {
			r.Made = r.Seen
		}
	}
	return r
}
