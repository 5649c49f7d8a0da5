// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import "github.com/xacct/terraform-provider-xacct/internal/account"

// LinkItem and RegistrationItem return the keys of a customer's items in the table.
func LinkItem(customer string) (pk, sk string) {
	k := maxPartitions.linkKey(customer)
	return k.pk, k.sk
}

func RegistrationItem(customer string, in account.ID) (pk, sk string) {
	k := maxPartitions.registrationKey(customer, in)
	return k.pk, k.sk
}

// Spread is the number of partitions of links, and of registrations, in most tests' hubs.
const Spread = int(maxPartitions)

// TransactionSize is the maximum number of writes and checks in a transaction.
const TransactionSize = transactionSize
