// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

var (
	home     = must(account.ParseID("222222222222"))
	moved    = must(account.ParseID("333333333333"))
	vendor   = must(account.ParseID("111111111111"))
	virginia = must(account.ParseRegion("us-east-1"))
	ireland  = must(account.ParseRegion("eu-west-1"))
	aStack   = must(account.ParseStackARN("arn:aws:cloudformation:us-east-1:222222222222:stack/acme-access/0001"))
)

// aHub is a record with a key that is the same in every test.
func aHub() registry.HubRecord {
	record := registry.HubRecord{Bucket: "xacct-acme-0123456789abcdef", Key: must(registry.NewKey(strings.NewReader(strings.Repeat("k", 32))))}
	record.Name, record.Account, record.Region = "acme", vendor, virginia
	record.Regions, record.ResponseTimeout = []account.Region{virginia, ireland}, 15*time.Minute
	return record
}

func aDeclaration() declaration.Declaration {
	return declaration.Declaration{
		Role:      permissionset.Role{Name: "acme-globex", Path: "/", MaxSessionDuration: 3600, ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit"}},
		StackName: "acme-access", Region: "us-east-1",
	}
}

func TestOwnTagsAreThoseThatNoDefaultExplains(t *testing.T) {
	all := map[string]string{"team": "intake", "cost": "7", "same": "x"}
	defaults := map[string]string{"team": "platform", "cost": "7", "same": "x"}
	own := ownTags(all, defaults, map[string]string{"same": "x"})
	if len(own) != 2 || own["team"] != "intake" || own["same"] != "x" {
		t.Errorf("got %v", own)
	}
}
