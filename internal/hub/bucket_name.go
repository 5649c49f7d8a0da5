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

// Customers keep the links that they were sent. A bucket's name that becomes
// free when the hub is destroyed could be taken by a stranger, who would then
// serve their template under the vendor's link. So a new hub's bucket is in the
// account-regional namespace of S3, where no other account can ever create a
// bucket of that name (aws-facts 12.15). In Regions without it, and in hubs that
// are older than this, the name ends in a secret hash, and an emptied bucket
// stays behind to keep it.

// withoutNamespace are the Regions that have no account-regional namespace
// (aws-facts 13.3).
var withoutNamespace = []string{"me-central-1", "me-south-1"}

// maxBucketName is S3's limit.
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

// BucketPattern returns the name of a new hub's template bucket for IAM, before
// the hub has its key: as many question marks as a hash has digits fit no other
// hub's bucket, as a star would.
func BucketPattern(hub string, owner account.ID, region account.Region) string {
	name := BucketName(hub, owner, region, registry.Key{})
	if keepsName(name, owner, region) {
		hash := onboarding.BucketSuffix(registry.Key{}.Bytes())
		return strings.TrimSuffix(name, hash) + strings.Repeat("?", len(hash))
	}
	return name
}

func namespaceSuffix(owner account.ID, region account.Region) string {
	return fmt.Sprintf("-%s-%s-an", owner, region)
}

// keepsName reports whether a bucket has to stay, emptied, because another
// account could create one of its name.
func keepsName(bucket string, owner account.ID, region account.Region) bool {
	return !strings.HasSuffix(bucket, namespaceSuffix(owner, region))
}
