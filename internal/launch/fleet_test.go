// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package launch

import (
	"strconv"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

func parsed[T any](parse func(string) (T, error), text string) T {
	value, err := parse(text)
	if err != nil {
		panic(err)
	}
	return value
}

// Expanding a fleet's template for a customer must give the same link as the customer's record in
// the registry.
func TestAFleetsTemplateExpandsToTheLinkOfEachCustomer(t *testing.T) {
	d := declaration.Declaration{StackName: "acme-access", Region: "eu-west-1"}
	vendor := parsed(account.ParseID, "111111111111")
	for name, set := range map[string]onboarding.PermissionSet{
		"a role name for each":  {Hub: "acme", Name: "readonly"},
		"one role name for all": {Hub: "acme", Name: "readonly", RoleName: "Acme+Reader"},
		"an older template":     {Hub: "acme", Name: "readonly", TemplateParameters: []string{}},
		"with parameters":       {Hub: "acme", Name: "readonly", TemplateParameters: []string{stacktemplate.ParameterExpectedAccountID, "InputBucket"}},
	} {
		set.TemplateURL = "https://bucket.s3.us-east-1.amazonaws.com/templates/a b{c}.json"
		for _, topics := range []struct{ first, count int }{{0, 1}, {3, 1}, {0, 14}, {2, 5}} {
			template, err := FleetTemplate(set, d, vendor, topics.first, topics.count, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, customer := range []string{"globex", "a.b-c_d", "0"} {
				link := onboarding.Link{
					Hub: "acme", CustomerID: customer, Account: parsed(account.ParseID, "222222222222"),
					ExternalID: parsed(account.ParseExternalID, "a/b+c=d"), Shard: topics.first + onboarding.ShardIndex(customer, topics.count),
				}
				m := Member{CustomerID: customer, Account: "222222222222", ExternalID: "a/b+c=d"}
				for _, elsewhere := range []bool{false, true} {
					if elsewhere {
						link.Shard = 77
						m.Topic = strconv.Itoa(link.Shard)
					}
					want, err := URL(link.WithSet(set), d, "")
					if err != nil {
						t.Fatal(err)
					}
					got, err := Expand(template, m)
					if err != nil || got != want {
						t.Errorf("%s, topics %v, customer %s: got\n%s\nwant\n%s\nfrom\n%s\n%v", name, topics, customer, got, want, template, err)
					}
				}
			}
		}
	}
}

func TestAnInvalidFleetTemplateIsRefused(t *testing.T) {
	for _, text := range []string{"", "https://example.com", "https://example.com/{customer_id}", "{", "{topic:}", "{topic:1+}", "{other}"} {
		if got, err := Expand(text, Member{CustomerID: "globex"}); err == nil || !strings.Contains(err.Error(), "url_template") {
			t.Errorf("%q becomes %q: %v", text, got, err)
		}
	}
}
