// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import "strings"

// PrincipalAccount is the account that an AWS principal of a policy names, as
// its number or in an ARN; "*" and unique IDs name none.
func PrincipalAccount(value string) (account string, named bool) {
	if parts := strings.SplitN(value, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[4], true
	}
	if len(value) == 12 && strings.Trim(value, "0123456789") == "" {
		return value, true
	}
	return "", false
}
