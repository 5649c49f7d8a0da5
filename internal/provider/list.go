// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// List resources are what `terraform query` lists, from Terraform 1.14 on: the
// resources of a hub, as an import would add them to a state. Engines without `query`
// don't call them. Each embeds its resource, for the name and the session, and lists
// what it finds.

// hubOfList returns the attribute for the hub's name, which every list resource has.
func hubOfList() schema.StringAttribute {
	return schema.StringAttribute{Required: true, Validators: []validator.String{validHubName()}, MarkdownDescription: "Name of the hub."}
}

// found returns one result of a query.
type found = func() list.ListResult

// stream sends results, up to the limit of the query. The engine ignores further
// results silently, so if there are more, the last one has a warning that names what
// is listed.
func stream(req list.ListRequest, to *list.ListResultsStream, what string, all iter.Seq[found]) {
	to.Results = func(push func(list.ListResult) bool) {
		var last *list.ListResult
		count := int64(0)
		for next := range all {
			if req.Limit > 0 && count == req.Limit {
				last.Diagnostics.Append(cutOff(what, req.Limit))
				break
			}
			if last != nil && !push(*last) {
				return
			}
			result := next()
			if last = &result; result.Identity != nil {
				count++ // the engine does not count results that are only diagnostics
			}
		}
		if last != nil {
			push(*last)
		}
	}
}

// openList reads the arguments of a list into config, and returns the hub that they
// name. If that fails, it sends the error as the result of the list, and returns nil.
func (c *configured) openList(ctx context.Context, req list.ListRequest, to *list.ListResultsStream, config any, hub *types.String) *hubview.View {
	diags := req.Config.Get(ctx, config)
	var view *hubview.View
	if !diags.HasError() {
		view = c.view(hub.ValueString(), &diags)
	}
	if view == nil {
		to.Results = list.ListResultsStreamDiagnostics(diags)
	}
	return view
}

// streamEach sends the records that read returns as the result of a list.
func streamEach[T any](req list.ListRequest, to *list.ListResultsStream, view *hubview.View, what string, read func() ([]T, error), result func(T) list.ListResult) {
	stream(req, to, what+" of "+hubNamed(view.Name), func(yield func(found) bool) {
		all, err := read()
		if err != nil {
			yield(func() list.ListResult { return cannotList(view, "the "+what, err) })
			return
		}
		for _, one := range all {
			if !yield(func() list.ListResult { return result(one) }) {
				return
			}
		}
	})
}

// fill adds to a result what an import would write to the state, if the query asks for
// that. An error would drop all other results of the block, so values that can't be
// read are omitted with a warning.
func fill(req list.ListRequest, result list.ListResult, show func(*diag.Diagnostics)) list.ListResult {
	var diags diag.Diagnostics
	if req.IncludeResource {
		show(&diags)
	}
	if !diags.HasError() {
		result.Diagnostics.Append(diags...)
		return result
	}
	only := list.ListResult{}
	for _, d := range diags {
		only.Diagnostics.AddWarning(d.Summary(), paragraphs("Omitted from the list: "+result.DisplayName+".", d.Detail()))
	}
	return only
}

// cutOff returns the warning that a query has found more results than its limit.
func cutOff(what string, limit int64) diag.Diagnostic {
	return diag.NewWarningDiagnostic(fmt.Sprintf("More %s exist", what), fmt.Sprintf(
		"The list block has the limit %d, and Terraform's default is 100. Set a larger limit in the block, or narrow it down with the arguments in config.", limit))
}

// cannotList returns the only result of a list that failed.
func cannotList(view *hubview.View, what string, err error) list.ListResult {
	if errors.Is(err, registry.ErrNoHub) {
		return list.ListResult{Diagnostics: diag.Diagnostics{noSuchHub(view)}}
	}
	return list.ListResult{Diagnostics: diag.Diagnostics{cannot("list", what+" of "+hubNamed(view.Name), "", err)}}
}
