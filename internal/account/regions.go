// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package account

import "slices"

// RegionsAsOf is the month in which the list of known Regions was last updated.
const RegionsAsOf = "2026-11"

// knownRegions are the Regions of aws-sdk-go-v2 1.47.7. AWS adds some every year, so an
// unknown Region causes only a warning.
var knownRegions = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
	"ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
	"ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1",
	"ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
	"eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1",
	"mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
	"cn-north-1", "cn-northwest-1", "eusc-de-east-1", "us-gov-east-1", "us-gov-west-1",
}

// KnownRegions returns the names of the Regions that existed at RegionsAsOf, sorted.
func KnownRegions() []string { return slices.Sorted(slices.Values(knownRegions)) }

// Known reports whether the Region existed at RegionsAsOf.
func (r Region) Known() bool { return slices.Contains(knownRegions, r.name) }
