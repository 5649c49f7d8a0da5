// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"fmt"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// CheckKMSKey returns an error if the ARN of a key shows that a hub in an account and
// Region can't use it: the key of a queue or table must be in the same Region, and in
// the hub's account.
func CheckKMSKey(key account.KMSKeyARN, owner account.ID, region account.Region) error {
	switch {
	case key.IsZero():
		return nil
	case key.Region != region:
		return fmt.Errorf("key %s is in Region %s, and the hub's queue and table are in %s: name a key of that Region", key, key.Region, region)
	case key.Account != owner:
		return fmt.Errorf("key %s belongs to account %s, and the hub to %s: name a key of the hub's account", key, key.Account, owner)
	}
	return nil
}

// KeyPolicyStatement returns the statement that must be in the policy of a hub's KMS
// key. It allows SNS to use the key for messages of the hub's topics.
func KeyPolicyStatement(hub string, owner account.ID, region account.Region, regions []account.Region) string {
	return iampolicy.QueueKey("XacctHub"+strings.ReplaceAll(hub, "-", ""), region, iampolicy.QueueSources{Account: owner, Names: TopicPatterns(hub), Regions: regions})
}
