// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import "testing"

func TestOwnTagsExcludeTheDefaults(t *testing.T) {
	all := map[string]string{"team": "intake", "cost": "7", "same": "x"}
	defaults := map[string]string{"team": "platform", "cost": "7", "same": "x"}
	own := ownTags(all, defaults, map[string]string{"same": "x"})
	if len(own) != 2 || own["team"] != "intake" || own["same"] != "x" {
		t.Errorf("got %v", own)
	}
}
