// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// mergeTags returns all tags of a resource: the provider's default tags, overridden by
// its own. If any of them is unknown, the result is unknown.
func mergeTags(ctx context.Context, defaults map[string]string, own types.Map) (types.Map, diag.Diagnostics) {
	if !fullyKnown(own) {
		return types.MapUnknown(types.StringType), nil
	}
	all := make(map[string]string, len(defaults)+len(own.Elements()))
	for key, value := range defaults {
		all[key] = value
	}
	var mine map[string]string
	diags := own.ElementsAs(ctx, &mine, false)
	for key, value := range mine {
		all[key] = value
	}
	merged, d := types.MapValueFrom(ctx, types.StringType, all)
	diags.Append(d...)
	return merged, diags
}

// ownTags returns the reverse of mergeTags, for refresh and import: all tags except
// those that come from the defaults. A tag that the resource itself declares is
// included, even if a default has the same value.
func ownTags(all, defaults, declared map[string]string) map[string]string {
	var own map[string]string
	for key, value := range all {
		_, mine := declared[key]
		if d, ok := defaults[key]; ok && d == value && !mine {
			continue
		}
		if own == nil {
			own = map[string]string{}
		}
		own[key] = value
	}
	return own
}
