// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

// Partitions are partitions of a registry's table, as patterns for the condition
// dynamodb:LeadingKeys of a policy. That condition sees partition keys and
// nothing else, so that a partition has one writer: the vendor's side, which is
// Terraform, commands and the onboarding API, or the registrar, which reads what
// strangers write. Terraform is both while it waits for customers.
type Partitions []string

// VendorPartitions are those that the registrar must not write, or everything
// that it is told of customers could be changed by it. It reads some of them:
// see RegistrarReads.
func VendorPartitions() Partitions {
	return Partitions{"EXTERNAL#*", "HUB", "KEY", "LINK#*", "LINK-HISTORY#*", "READERS", "SET#*", "SHARD#*"}
}

// RegistrarPartitions are those that the registrar reads and writes. All that a
// transaction of the registrar writes or checks is in one of them.
func RegistrarPartitions() Partitions {
	return Partitions{
		"BOUND#*", "CUSTOMER-HISTORY#*", "HEALTH-ROUND", "LIVE#*", OutboxPartition, registrarsPartition, "STACK#*",
	}
}

// RegistrarReads are those of the vendor's that the registrar decides on.
func RegistrarReads() Partitions {
	return Partitions{"EXTERNAL#*", "HUB", "LINK#*", "SET#*"}
}

// OutboxPartition is where events wait. No item but those is ever deleted.
const OutboxPartition = "OUTBOX"

const registrarsPartition = "REGISTRARS"
