// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// customersAttribute returns the attribute that selects customers. The schema of a
// list resource can't have sets.
func customersAttribute() schema.ListAttribute {
	return schema.ListAttribute{
		Optional: true, ElementType: types.StringType, MarkdownDescription: "Only these customers; no others are read.",
		Validators: []validator.List{listvalidator.ValueStringsAre(validCustomerID())},
	}
}

// walked selects the customers of a hub that a list resource lists, in the order of
// their IDs.
type walked struct {
	view   *hubview.View
	what   string     // what is listed of them, in the plural
	ids    types.List // null: all
	some   bool       // only some of them are listed
	wanted func(onboarding.Customer) bool
	result func(onboarding.Customer) list.ListResult
}

// stream sends the selected customers as the result of a list.
func (w walked) stream(ctx context.Context, req list.ListRequest, to *list.ListResultsStream) {
	var ids []string
	if !w.ids.IsNull() {
		ids = []string{}
		if diags := w.ids.ElementsAs(ctx, &ids, false); diags.HasError() {
			to.Results = list.ListResultsStreamDiagnostics(diags)
			return
		}
	}
	stream(req, to, w.what+" of "+hubNamed(w.view.Name), func(yield func(found) bool) {
		for customer, err := range w.view.Walk(ctx, ids, w.part(req.Limit)) {
			switch {
			case err != nil:
				yield(func() list.ListResult { return cannotList(w.view, "the "+w.what, err) })
				return
			case !w.wanted(customer):
			case !yield(func() list.ListResult { return w.result(customer) }):
				return
			}
		}
	})
}

// part returns the part of the hub's customers to read, in pages.
func (w walked) part(limit int64) registry.Part {
	switch {
	case limit <= 0:
		return registry.Part{}
	case w.some:
		return registry.Part{Limit: max(int(limit)+1, minFilteredPage)}
	}
	return registry.Part{Limit: int(limit) + 1} // one more shows whether there are more
}
