// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import "github.com/xacct/terraform-provider-xacct/internal/leastpolicy"

// outboxPartition contains the events to be sent. Its events and the leases for sending
// them are the only items that are ever deleted.
const outboxPartition = "OUTBOX"

const registrarsPartition = "REGISTRARS"

// Partitions returns the partitions of a registry's table, grouped by their writer, for
// policies. A partition has one writer: the vendor's side, which is Terraform, commands
// and the onboarding API, or the registrar, which processes untrusted input. Terraform
// is both while it waits for customers.
//
// A transaction of the registrar writes and checks only items in the registrar's own
// partitions.
func Partitions() leastpolicy.Partitions {
	return leastpolicy.Partitions{
		Vendor: []string{"EXTERNAL#*", fleetsPartition, "HUB", "KEY", "LINK#*", "LINK-HISTORY#*", "READERS", "SET#*", "SHARD#*"},
		Registrar: []string{
			"BOUND#*", "CUSTOMER-HISTORY#*", "HEALTH-ROUND", "LIVE#*", outboxPartition, registrarsPartition, selfTestPartition, "STACK#*",
		},
		RegistrarReads: []string{"EXTERNAL#*", "HUB", "LINK#*", "SET#*"},
		OperatorReads: []string{
			"BOUND#*", "CUSTOMER-HISTORY#*", "HEALTH-ROUND", "HUB", "LINK#*", "LINK-HISTORY#*", "LIVE#*", outboxPartition, registrarsPartition, "SET#*",
		},
		OperatorWrites: []string{"CUSTOMER-HISTORY#*", "LINK#*", "LINK-HISTORY#*", "LIVE#*", outboxPartition},
		OperatorChecks: []string{"BOUND#*"},
		Outbox:         outboxPartition,
		API:            ConnectPartitions(),
		Legacy:         legacyPartition,
	}
}
