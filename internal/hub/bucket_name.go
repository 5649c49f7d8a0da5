// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Customers keep the links that they received. If a bucket's name became free when the
// hub is destroyed, a stranger could create a bucket of that name and serve their own
// template under the vendor's link. So a new hub's bucket is in the account-regional
// namespace of S3, in which no other account can create a bucket of that name
// (aws-facts 12.15). In Regions without the namespace, and for hubs created before this
// release, the name ends in a secret hash, and the emptied bucket is kept to reserve
// it.

// withoutNamespace are the Regions that have no account-regional namespace
// (aws-facts 13.3).
var withoutNamespace = []string{"me-central-1", "me-south-1"}

// maxBucketName is S3's limit of the length of a bucket's name, in characters.
const maxBucketName = 63

// BucketName returns the name of a new hub's template bucket.
func BucketName(hub string, owner account.ID, region account.Region, key registry.Key) string {
	prefix, suffix := "xacct-"+hub, namespaceSuffix(owner, region)
	if slices.Contains(withoutNamespace, region.String()) {
		return prefix + "-" + onboarding.BucketSuffix(key.Bytes())
	}
	if len(prefix)+len(suffix) > maxBucketName {
		sum := sha256.Sum256([]byte(hub))
		hash := "-" + hex.EncodeToString(sum[:4])
		prefix = prefix[:maxBucketName-len(suffix)-len(hash)] + hash
	}
	return prefix + suffix
}

// BucketPattern returns an IAM pattern for the name of a new hub's template bucket, for
// use before the hub has its key. It has one question mark for each digit of the hash:
// unlike a star, these match no other hub's bucket.
func BucketPattern(hub string, owner account.ID, region account.Region) string {
	name := BucketName(hub, owner, region, registry.Key{})
	if mustKeepBucket(name, owner, region) {
		hash := onboarding.BucketSuffix(registry.Key{}.Bytes())
		return strings.TrimSuffix(name, hash) + strings.Repeat("?", len(hash))
	}
	return name
}

func namespaceSuffix(owner account.ID, region account.Region) string {
	return fmt.Sprintf("-%s-%s-an", owner, region)
}

// mustKeepBucket reports whether a bucket has to be kept, emptied, after its hub is
// deleted, because another account could create a bucket of its name.
func mustKeepBucket(bucket string, owner account.ID, region account.Region) bool {
	return !strings.HasSuffix(bucket, namespaceSuffix(owner, region))
}
