// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package account

import (
	"fmt"
	"regexp"
	"sync"
)

// Partition is one of the separate AWS clouds, with the names that differ
// between them (aws-facts 2.5 and 3.4). No access or ARN crosses a partition.
type Partition struct{ *partition }

type partition struct {
	id          string // as in an ARN: "aws"
	dnsSuffix   string // of service endpoints: "amazonaws.com"
	consoleHost string // what follows "<region>." in a console host
	regions     func() *regexp.Regexp
}

// The supported partitions. The isolated ones (aws-iso…) are not supported: the
// addresses of their consoles are not documented publicly, and a link to the wrong host
// would be worse than an error.
var partitions = []*partition{
	{"aws", "amazonaws.com", "console.aws.amazon.com", pattern(`^(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]{1,2}$`)},
	{"aws-us-gov", "amazonaws.com", "console.amazonaws-us-gov.com", pattern(`^us-gov-[a-z]+-[0-9]{1,2}$`)},
	{"aws-cn", "amazonaws.com.cn", "console.amazonaws.cn", pattern(`^cn-[a-z]+-[0-9]{1,2}$`)},
	{"aws-eusc", "amazonaws.eu", "console.amazonaws-eusc.eu", pattern(`^eusc-[a-z]{2}-[a-z]+-[0-9]{1,2}$`)},
}

// pattern returns a regular expression that is compiled on first use.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// ParsePartition returns the partition that an ARN names in s.
func ParsePartition(s string) (Partition, error) {
	for _, p := range partitions {
		if p.id == s {
			return Partition{p}, nil
		}
	}
	return Partition{}, fmt.Errorf("%q is not a supported AWS partition: aws, aws-us-gov, aws-cn or aws-eusc", clip(s))
}

// IsZero reports whether p is the zero value, "no partition".
func (p Partition) IsZero() bool { return p.partition == nil }

func (p Partition) String() string {
	if p.IsZero() {
		return ""
	}
	return p.id
}

// PartitionMismatch returns the text of an error: something in one partition cannot be
// used with a hub in another. An example is PartitionMismatch("Region us-east-1", got,
// hub).
func PartitionMismatch(what string, got, hub Partition) string {
	return fmt.Sprintf("%s is in partition %s, the hub in %s; nothing crosses partitions, so a hub per partition is needed, with a provider for each", what, got, hub)
}

// DNSSuffix returns the end of the partition's service host names:
// "amazonaws.com".
func (p Partition) DNSSuffix() string {
	if p.IsZero() {
		return ""
	}
	return p.dnsSuffix
}

// ConsoleHost returns the end of the partition's console host names, after the
// Region.
func (p Partition) ConsoleHost() string {
	if p.IsZero() {
		return ""
	}
	return p.consoleHost
}

// Region is an AWS Region with its partition.
type Region struct {
	name      string
	partition Partition
}

// ParseRegion returns the Region in s, judged by its form: AWS adds Regions too
// often for a list.
func ParseRegion(s string) (Region, error) {
	for _, p := range partitions {
		if p.regions().MatchString(s) {
			return Region{s, Partition{p}}, nil
		}
	}
	return Region{}, fmt.Errorf("%q is not an AWS Region, such as us-east-1 or eu-central-1", clip(s))
}

// IsZero reports whether r is the zero value, "no Region".
func (r Region) IsZero() bool { return r.name == "" }

func (r Region) String() string { return r.name }

// Partition returns the partition that r belongs to.
func (r Region) Partition() Partition { return r.partition }
