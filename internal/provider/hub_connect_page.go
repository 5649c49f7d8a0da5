// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// connectPageModel is connect_page of xacct_hub.
type connectPageModel struct {
	LogoURL    types.String `tfsdk:"logo_url"`
	Color      types.String `tfsdk:"color"`
	ReturnURLs types.Set    `tfsdk:"return_urls"`
}

var connectPageTypes = map[string]attr.Type{
	"logo_url": types.StringType, "color": types.StringType, "return_urls": types.SetType{ElemType: types.StringType},
}

func connectPageAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Logo, colour and return addresses of the connect page of `xacct serve`: see the guide on the onboarding API. " +
			"Changes in place; no link becomes outdated. Flags of `xacct serve` override it.",
		Attributes: map[string]schema.Attribute{
			"logo_url": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Address of the vendor's logo; begins with `https://`. The page loads pictures from its host, and from no other.",
				Validators:          []validator.String{check{"an address that begins with https://", "Invalid logo URL", onboarding.CheckLogoURL}},
			},
			"color": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Colour of lines and buttons, such as `#0b5fff`. Text on it is black or white, whichever is easier to read.",
				Validators:          []validator.String{check{"a colour of # and six hexadecimal digits", "Invalid colour", onboarding.CheckPageColor}},
			},
			"return_urls": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Addresses that the page may lead a connected customer back to, with all below them: at most 20, which begin with `https://`. " +
					"A call of the API chooses one of them as `return_url`.",
				Validators: []validator.Set{setvalidator.SizeAtMost(20), setvalidator.ValueStringsAre(
					check{"an address that begins with https://, without a query", "Invalid return URL", onboarding.CheckReturnURL})},
			},
		},
	}
}

// connectPageOf returns the declared connect page. Values that aren't known yet are
// empty: no plan depends on them.
func connectPageOf(ctx context.Context, object types.Object, diags *diag.Diagnostics) (page onboarding.ConnectPage) {
	if object.IsNull() || object.IsUnknown() {
		return page
	}
	var m connectPageModel
	diags.Append(object.As(ctx, &m, basetypes.ObjectAsOptions{})...)
	page.LogoURL, page.Color = m.LogoURL.ValueString(), m.Color.ValueString()
	for _, address := range m.ReturnURLs.Elements() {
		if text, ok := address.(types.String); ok && text.ValueString() != "" {
			page.ReturnURLs = append(page.ReturnURLs, text.ValueString())
		}
	}
	return page
}

// flattenConnectPage returns the connect page of a record. If the page is as declared,
// it keeps the declared spelling: an empty set remains an empty set.
func flattenConnectPage(ctx context.Context, page onboarding.ConnectPage, declared types.Object, diags *diag.Diagnostics) types.Object {
	if len(declared.AttributeTypes(ctx)) > 0 && !declared.IsUnknown() && connectPageOf(ctx, declared, diags).Equal(page) {
		return declared
	}
	if page.IsZero() {
		return types.ObjectNull(connectPageTypes)
	}
	m := connectPageModel{LogoURL: optional(page.LogoURL), Color: optional(page.Color), ReturnURLs: types.SetNull(types.StringType)}
	if len(page.ReturnURLs) > 0 {
		m.ReturnURLs = stringSet(ctx, page.ReturnURLs, diags)
	}
	object, d := types.ObjectValueFrom(ctx, connectPageTypes, m)
	diags.Append(d...)
	return object
}
