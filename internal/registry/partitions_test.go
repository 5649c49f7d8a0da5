// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// The tables have a key of each kind of item, by its writer.
func TestEveryPartitionHasOneWriter(t *testing.T) {
	t.Parallel()
	stack, err := account.ParseStackARN("arn:aws:cloudformation:us-east-1:222222222222:stack/acme-access/0001")
	if err != nil {
		t.Fatal(err)
	}
	external := onboarding.ExternalID([]byte("key"), "acme", "globex", 0)
	entry := onboarding.HistoryEntry{At: time.Unix(0, 0), CustomerID: "globex"}
	vendors := map[string]key{
		"hub": hubKey, "secret": secretKey, "lease of the migration": migrationKey, "link": maxPartitions.linkKey("globex"), "claim": claimKey(external),
		"shard": listKey(ShardList(3)), "permission set": setKey("readonly"), "readers": listKey(Readers), "link's history": linkHistoryKey(entry, 1),
	}
	registrars := map[string]key{
		"registration": maxPartitions.registrationKey("globex", stack.Account), "binding": bindingKey("globex"), "stack": stackKey(stack),
		"answer": answerKey(stack, "PhoneHome", "one"), "promise": promiseKey(stack, "PhoneHome", phonehome.Properties{}),
		"history": historyKey(entry), "refusal": refusalKey(entry), "heartbeat": registrarKey("one"), "trial": absentKey,
		"round": roundKey, "self-test": selfTestKey("nonce", stack.String()), "event": outboxKey(onboarding.Event{}),
	}
	all := Partitions()
	for side, c := range map[string]struct {
		keys          map[string]key
		theirs, other patterns
	}{
		"vendor":    {vendors, all.Vendor, all.Registrar},
		"registrar": {registrars, all.Registrar, all.Vendor},
	} {
		for name, k := range c.keys {
			if !c.theirs.has(k.pk) || c.other.has(k.pk) {
				t.Errorf("the %s, in %s, is not the %s's alone", name, k.pk, side)
			}
		}
	}
	for _, pattern := range all.RegistrarReads {
		if !patterns(all.Vendor).has(pattern) {
			t.Errorf("the registrar reads %s, which is not the vendor's", pattern)
		}
	}
	for _, secret := range []string{secretKey.pk, linkHistoryPartition("globex"), ShardList(0).partition(), Readers.partition()} {
		if patterns(all.RegistrarReads).has(secret) {
			t.Errorf("the registrar can read %s", secret)
		}
	}
}

func (l ListKey) partition() string { return listKey(l).pk }

// patterns are matched like IAM's StringLike, with a star at the end only.
type patterns []string

func (p patterns) has(partition string) bool {
	return slices.ContainsFunc(p, func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "*")
		return pattern == partition || open && strings.HasPrefix(partition, prefix)
	})
}
