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

// awsManagedAsOf is when awsmanaged.txt was made. AWS adds policies every week, so
// one that is not in the list is worth a warning and no more.
const awsManagedAsOf = "2026-08-26"

// awsManaged are the paths and names of all policies of AWS's own. The list is
// read when it is first asked for.
var awsManaged = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(awsManagedList) {
		if name := strings.TrimSpace(line); name != "" && name[0] != '#' {
			all[name] = true
		}
	}
	return all
})
