// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import "strings"

// principals is what Accounts may know in addition to accounts.
type principals interface {
	PrincipalExists(arn string) bool
}

// Partition returns the principal's partition; empty for an AWS service, which
// is in every partition.
func (p *Principal) Partition() string { return PartitionOf(p.ARN) }

// PrincipalExists reports whether an AWS principal in a resource policy exists
// in a partition: its account, and its role or user as well if the accounts are
// known in that detail. "*" and unique IDs always exist.
func PrincipalExists(accounts Accounts, partition, value string) bool {
	account, named := PrincipalAccount(value)
	if !named {
		return true
	}
	lives, open := accounts.Partition(account)
	if !open || lives != partition || strings.HasPrefix(value, "arn:") && PartitionOf(value) != partition {
		return false
	}
	all, ok := accounts.(principals)
	return !ok || !strings.HasPrefix(value, "arn:") || strings.HasSuffix(value, ":root") || all.PrincipalExists(value)
}

// PrincipalAccount returns the account that an AWS principal of a policy names,
// as its number or in an ARN; "*" and unique IDs name none.
func PrincipalAccount(value string) (account string, named bool) {
	if parts := strings.SplitN(value, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[4], true
	}
	if len(value) == 12 && strings.Trim(value, "0123456789") == "" {
		return value, true
	}
	return "", false
}
