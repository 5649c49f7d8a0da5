// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"slices"
	"strings"
)

// TagChanges returns the difference between the present and the desired tags of a
// resource: the tags to set, and the keys to remove, sorted. Tags of AWS (aws:…) cannot
// be changed and are ignored.
func TagChanges(have, want map[string]string) (set map[string]string, drop []string) {
	set = map[string]string{}
	for k, v := range want {
		if old, ok := have[k]; !ok || old != v {
			set[k] = v
		}
	}
	for k := range have {
		if _, ok := want[k]; !ok && !strings.HasPrefix(k, "aws:") {
			drop = append(drop, k)
		}
	}
	slices.Sort(drop)
	return set, drop
}
