// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Conversions between the framework's values and Go's, for the flex files of all
// resources.

// fullyKnown reports whether neither a value nor anything in it is unknown.
func fullyKnown(value attr.Value) bool {
	if value.IsUnknown() {
		return false
	}
	tf, err := value.ToTerraformValue(context.Background())
	return err == nil && tf.IsFullyKnown()
}

// optional returns s, or null if s is empty.
func optional(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

// stringSet returns a set of strings. Without values it is empty, not null.
func stringSet(ctx context.Context, values []string, diags *diag.Diagnostics) types.Set {
	if values == nil {
		values = []string{}
	}
	set, d := types.SetValueFrom(ctx, types.StringType, values)
	diags.Append(d...)
	return set
}

// stringMap returns a map of strings. Without values it is empty, not null.
func stringMap(ctx context.Context, values map[string]string, diags *diag.Diagnostics) types.Map {
	if values == nil {
		values = map[string]string{}
	}
	m, d := types.MapValueFrom(ctx, types.StringType, values)
	diags.Append(d...)
	return m
}

// nullableSet returns a set of strings; null without values.
func nullableSet(ctx context.Context, values []string, diags *diag.Diagnostics) types.Set {
	if values == nil {
		return types.SetNull(types.StringType)
	}
	return stringSet(ctx, values, diags)
}

// nullableMap returns a map of strings; null without values.
func nullableMap(ctx context.Context, values map[string]string, diags *diag.Diagnostics) types.Map {
	if values == nil {
		return types.MapNull(types.StringType)
	}
	return stringMap(ctx, values, diags)
}

// timeString returns a time as RFC 3339 text, or null if it is zero.
func timeString(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.UTC().Format(time.RFC3339))
}

// regionsOf parses a set of Regions. It adds errors on the attribute p.
func regionsOf(ctx context.Context, set types.Set, p path.Path, diags *diag.Diagnostics) []account.Region {
	var names []string
	diags.Append(set.ElementsAs(ctx, &names, false)...)
	slices.Sort(names)
	var regions []account.Region
	for _, name := range names {
		region, err := account.ParseRegion(name)
		if err != nil {
			diags.AddAttributeError(p, "Invalid AWS Region", sentence(err.Error()))
			continue
		}
		regions = append(regions, region)
	}
	return regions
}

// regionNames returns the names of Regions.
func regionNames(regions []account.Region) []string {
	names := make([]string, len(regions))
	for i, r := range regions {
		names[i] = r.String()
	}
	return names
}

// shortDuration formats a duration without zero units: 15m rather than 15m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
