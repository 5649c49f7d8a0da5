// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package account

import (
	"maps"
	"slices"
)

// RegionsOn is when the list of known Regions was made.
const RegionsOn = "2026-11"

// knownRegions are those of aws-sdk-go-v2 1.47.7. AWS adds some every year, so
// one that is not among them is worth a warning and no more.
var knownRegions = map[string]bool{
	"af-south-1": true, "ap-east-1": true, "ap-east-2": true, "ap-northeast-1": true, "ap-northeast-2": true, "ap-northeast-3": true,
	"ap-south-1": true, "ap-south-2": true, "ap-southeast-1": true, "ap-southeast-2": true, "ap-southeast-3": true,
	"ap-southeast-4": true, "ap-southeast-5": true, "ap-southeast-6": true, "ap-southeast-7": true, "ca-central-1": true,
	"ca-west-1": true, "eu-central-1": true, "eu-central-2": true, "eu-north-1": true, "eu-south-1": true, "eu-south-2": true,
	"eu-west-1": true, "eu-west-2": true, "eu-west-3": true, "il-central-1": true, "me-central-1": true, "me-south-1": true,
	"mx-central-1": true, "sa-east-1": true, "us-east-1": true, "us-east-2": true, "us-west-1": true, "us-west-2": true,
	"cn-north-1": true, "cn-northwest-1": true, "eusc-de-east-1": true, "us-gov-east-1": true, "us-gov-west-1": true,
}

// KnownRegions returns the names of the Regions that there were on RegionsOn,
// sorted.
func KnownRegions() []string { return slices.Sorted(maps.Keys(knownRegions)) }

// Known reports whether there was a Region of this name on RegionsOn.
func (r Region) Known() bool { return knownRegions[r.name] }
