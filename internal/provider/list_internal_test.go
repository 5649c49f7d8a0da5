// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
)

// A record that can't be read is left out with a warning, because an error would drop
// every other result of the list block.
func TestAListSkipsAnUnreadableRecordWithAWarning(t *testing.T) {
	t.Parallel()
	req := list.ListRequest{Limit: 2, IncludeResource: true}
	all := func(yield func(found) bool) {
		for _, name := range []string{"one", "damaged", "two", "three"} {
			made := func() list.ListResult {
				return fill(req, list.ListResult{DisplayName: name, Identity: &tfsdk.ResourceIdentity{}}, func(diags *diag.Diagnostics) {
					if name == "damaged" {
						diags.AddError("Could not read customer damaged of hub acme", "The record is damaged.")
					}
				})
			}
			if !yield(made) {
				return
			}
		}
	}
	var to list.ListResultsStream
	stream(req, &to, "links of hub acme", all)
	var told []string
	for result := range to.Results {
		line := result.DisplayName
		for _, d := range result.Diagnostics {
			line += "[" + d.Severity().String() + " " + d.Summary() + "]"
		}
		if result.Identity == nil && (result.DisplayName != "" || result.Resource != nil) {
			t.Errorf("%+v has a name or a resource, but no identity", result)
		}
		told = append(told, line)
	}
	want := []string{"one", "[Warning Could not read customer damaged of hub acme]", "two[Warning More links of hub acme exist]"}
	if !slices.Equal(told, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}
