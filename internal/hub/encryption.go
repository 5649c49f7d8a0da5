// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"fmt"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// CheckKMSKey returns what is wrong with a key for a hub of an account and Region,
// as far as its ARN shows it; nil: nothing. Queue and table have to be where
// their key is.
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

// KeyPolicyStatement returns the statement that the policy of a hub's key needs: SNS may
// use it for what the hub's topics send.
func KeyPolicyStatement(hub string, owner account.ID, region account.Region, regions []account.Region) string {
	return iampolicy.QueueKey("XacctHub"+strings.ReplaceAll(hub, "-", ""), region, iampolicy.QueueSources{Account: owner, Names: TopicPatterns(hub), Regions: regions})
}
