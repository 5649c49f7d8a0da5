// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Terraform's attributes of a permission set have the same names as the core's, so one
// pair of functions converts all of them. A new attribute in the core and in the
// schema needs no other conversion.

// expandAttributes sets the attributes of a type of package permissionset, to which
// into points, to the values of the same names. All values must be known.
func expandAttributes(ctx context.Context, values map[string]attr.Value, into any, diags *diag.Diagnostics) {
	for _, a := range permissionset.Attributes(reflect.ValueOf(into)) {
		if value, there := values[a.Name]; there && !value.IsNull() {
			expandAttribute(ctx, value, a.Value, diags)
		}
	}
}

func expandAttribute(ctx context.Context, value attr.Value, into reflect.Value, diags *diag.Diagnostics) {
	if into.Kind() == reflect.Pointer { // so that null differs from the zero value
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch value := value.(type) {
	case types.String:
		into.SetString(value.ValueString())
	case types.Int64:
		into.SetInt(value.ValueInt64())
	case types.Bool:
		into.SetBool(value.ValueBool())
	case types.Set:
		var list []string
		diags.Append(value.ElementsAs(ctx, &list, false)...)
		slices.Sort(list)
		into.Set(reflect.ValueOf(list))
	case types.Object:
		expandAttributes(ctx, value.Attributes(), into.Addr().Interface(), diags)
	case types.Map:
		into.Set(reflect.MakeMap(into.Type()))
		for key, element := range value.Elements() {
			one := reflect.New(into.Type().Elem())
			expandAttribute(ctx, element, one.Elem(), diags)
			into.SetMapIndex(reflect.ValueOf(key), one.Elem())
		}
	default:
		panic(fmt.Sprintf("no attribute of a permission set has values like %T", value))
	}
}

// flattenAttributes returns the values of the attributes that are in the schema: the
// keys of known are their names.
func flattenAttributes(ctx context.Context, of any, known map[string]attr.Type, diags *diag.Diagnostics) map[string]attr.Value {
	values := make(map[string]attr.Value, len(known))
	for _, a := range permissionset.Attributes(reflect.ValueOf(of)) {
		if t, there := known[a.Name]; there {
			values[a.Name] = flattenAttribute(ctx, a, t, diags)
		}
	}
	return values
}

func flattenAttribute(ctx context.Context, a permissionset.Attribute, t attr.Type, diags *diag.Diagnostics) attr.Value {
	switch v := a.Value.Interface().(type) {
	case string:
		if a.Nullable {
			return optional(v)
		}
		return types.StringValue(v)
	case permissionset.JSON:
		return optional(string(v))
	case *string:
		return types.StringPointerValue(v)
	case int64:
		if a.Nullable && v == 0 {
			return types.Int64Null()
		}
		return types.Int64Value(v)
	case bool:
		if a.Nullable && !v {
			return types.BoolNull()
		}
		return types.BoolValue(v)
	case []string:
		return nullableSet(ctx, v, diags)
	case map[string]string:
		return nullableMap(ctx, v, diags)
	case permissionset.Policies:
		return nullableMap(ctx, v, diags)
	}
	element := t.(types.MapType).ElemType.(types.ObjectType)
	if a.Value.IsNil() {
		return types.MapNull(element)
	}
	elements := make(map[string]attr.Value, a.Value.Len())
	for entry := a.Value.MapRange(); entry.Next(); {
		one, d := types.ObjectValue(element.AttrTypes, flattenAttributes(ctx, entry.Value().Interface(), element.AttrTypes, diags))
		diags.Append(d...)
		elements[entry.Key().String()] = one
	}
	all, d := types.MapValue(element, elements)
	diags.Append(d...)
	return all
}

// expandRole returns the role that a link's role attribute declares.
func expandRole(ctx context.Context, role types.Object, diags *diag.Diagnostics) permissionset.Role {
	var declared permissionset.Role
	expandAttributes(ctx, role.Attributes(), &declared, diags)
	return declared
}

// flattenRole returns the role attribute for a declared role.
func flattenRole(ctx context.Context, declared permissionset.Role, diags *diag.Diagnostics) types.Object {
	known := roleSpecTypes()
	role, d := types.ObjectValue(known, flattenAttributes(ctx, declared, known, diags))
	diags.Append(d...)
	return role
}
