// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed awsmanaged.txt
var awsManagedList string

// awsManagedAsOf is when awsmanaged.txt was last updated. AWS adds policies every week,
// so a policy that is not in the list causes only a warning.
const awsManagedAsOf = "2026-08-26"

// awsManaged returns the paths and names of all AWS managed policies. The list is parsed
// on first use.
var awsManaged = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(awsManagedList) {
		if name := strings.TrimSpace(line); name != "" && name[0] != '#' {
			all[name] = true
		}
	}
	return all
})
