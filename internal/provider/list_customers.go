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

// customersAttribute narrows a list down to some customers. Lists of a query have no
// sets.
func customersAttribute() schema.ListAttribute {
	return schema.ListAttribute{
		Optional: true, ElementType: types.StringType, MarkdownDescription: "Only these customers; no others are read.",
		Validators: []validator.List{listvalidator.ValueStringsAre(validCustomerID())},
	}
}

// walked are the customers of a hub that one list resource wants, in the order of
// their IDs.
type walked struct {
	view   *hubview.View
	what   string     // of them is listed, in the plural
	ids    types.List // null: all
	some   bool       // not all of them are wanted
	wanted func(onboarding.Customer) bool
	result func(onboarding.Customer) list.ListResult
}

// stream makes the customers who are wanted the result of a list.
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

// part returns the part of the hub's customers that is to be read, in pages.
func (w walked) part(limit int64) registry.Part {
	switch {
	case limit <= 0:
		return registry.Part{}
	case w.some:
		return registry.Part{Limit: max(int(limit)+1, leastOfAFilter)}
	}
	return registry.Part{Limit: int(limit) + 1} // one more tells whether there are more
}
