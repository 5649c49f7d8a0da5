// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import "strings"

// Partitions are separate from each other: no account, key, bucket or role of
// one exists in another.

// Partition returns the AWS partition of a Region (aws-facts 2.5).
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc"
	default:
		return "aws"
	}
}

// URLSuffix returns the end of the host names of a Region's services (aws-facts
// 2.5).
func URLSuffix(region string) string {
	switch Partition(region) {
	case "aws-cn":
		return "amazonaws.com.cn"
	case "aws-eusc":
		return "amazonaws.eu"
	default:
		return "amazonaws.com"
	}
}

// GlobalRegion returns the Region of IAM in a Region's partition.
func GlobalRegion(region string) string {
	switch Partition(region) {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	case "aws-eusc":
		return "eusc-de-east-1"
	default:
		return "us-east-1"
	}
}

// PartitionOf returns the partition of an ARN, or "" if the text is not an ARN.
func PartitionOf(arn string) string {
	rest, isARN := strings.CutPrefix(arn, "arn:")
	partition, _, _ := strings.Cut(rest, ":")
	if !isARN {
		return ""
	}
	return partition
}
