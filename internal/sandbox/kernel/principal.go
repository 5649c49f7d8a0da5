// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import "strings"

// principals is implemented by Accounts that also know users and roles.
type principals interface {
	PrincipalExists(arn string) bool
}

// Partition returns the principal's partition, or "" for an AWS service, which
// is in every partition.
func (p *Principal) Partition() string { return PartitionOf(p.ARN) }

// PrincipalExists reports whether an AWS principal in a resource policy exists
// in a partition: its account, and also its role or user if accounts knows
// them. "*" and unique IDs always exist.
func PrincipalExists(accounts Accounts, partition, value string) bool {
	account, named := PrincipalAccount(value)
	if !named {
		return true
	}
	actual, open := accounts.Partition(account)
	if !open || actual != partition || strings.HasPrefix(value, "arn:") && PartitionOf(value) != partition {
		return false
	}
	all, ok := accounts.(principals)
	return !ok || !strings.HasPrefix(value, "arn:") || strings.HasSuffix(value, ":root") || all.PrincipalExists(value)
}

// PrincipalAccount returns the account that an AWS principal of a policy names,
// by its ID or in an ARN. named is false for "*" and unique IDs.
func PrincipalAccount(value string) (account string, named bool) {
	if parts := strings.SplitN(value, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[4], true
	}
	if len(value) == 12 && strings.Trim(value, "0123456789") == "" {
		return value, true
	}
	return "", false
}
