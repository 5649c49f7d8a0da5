// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

func TestATrustPolicyAllowsExactlyWhatIsDeclared(t *testing.T) {
	vendor, scanner := id(t, "111111111111"), id(t, "222222222222")
	aws := region(t, "us-east-1").Partition()
	prover := account.RoleARN{Partition: aws, Account: vendor, Path: "/", Name: "Prover"}
	worker := account.RoleARN{Partition: aws, Account: scanner, Path: "/", Name: "Worker"}
	const (
		head      = `{"Version":"2012-10-17","Statement":[`
		byVendor  = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":`
		byScanner = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":`
		withID    = `"StringEquals":{"sts:ExternalId":"the-id"}`
		asProver  = `"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/Prover"}`
		asWorker  = `"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/Worker"}`
	)
	for name, c := range map[string]struct {
		trust Trust
		want  string
	}{
		"the hub's account": {Trust{Accounts: []account.ID{vendor}},
			byVendor + `"sts:AssumeRole","Condition":{` + withID + `}}`},
		"a role of the hub's account": {Trust{Accounts: []account.ID{vendor}, Principals: []account.RoleARN{prover, prover}},
			byVendor + `"sts:AssumeRole","Condition":{` + asProver + `,` + withID + `}}`},
		"one more account": {Trust{Accounts: []account.ID{vendor, scanner}},
			byVendor + `"sts:AssumeRole","Condition":{` + withID + `}},` + byScanner + `"sts:AssumeRole","Condition":{` + withID + `}}`},
		"a role of each account": {Trust{Accounts: []account.ID{vendor, scanner}, Principals: []account.RoleARN{worker, prover}},
			byVendor + `"sts:AssumeRole","Condition":{` + asProver + `,` + withID + `}},` + byScanner + `"sts:AssumeRole","Condition":{` + asWorker + `,` + withID + `}}`},
		"a role of the other account": {Trust{Accounts: []account.ID{vendor, scanner}, Principals: []account.RoleARN{worker}},
			byVendor + `"sts:AssumeRole","Condition":{` + withID + `}},` + byScanner + `"sts:AssumeRole","Condition":{` + asWorker + `,` + withID + `}}`},
		"session tags": {Trust{Accounts: []account.ID{vendor}, SessionTags: true},
			byVendor + `"sts:AssumeRole","Condition":{` + withID + `}},` + byVendor + `"sts:TagSession"}`},
		"session tags and a source identity, for roles of each": {Trust{Accounts: []account.ID{vendor, scanner}, Principals: []account.RoleARN{prover}, SessionTags: true, SourceIdentity: true},
			byVendor + `"sts:AssumeRole","Condition":{` + asProver + `,` + withID + `}},` + byScanner + `"sts:AssumeRole","Condition":{` + withID + `}},` +
				byVendor + `["sts:SetSourceIdentity","sts:TagSession"],"Condition":{` + asProver + `}},` + byScanner + `["sts:SetSourceIdentity","sts:TagSession"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			c.trust.Partition = aws
			if diff := cmp.Diff(head+c.want+"]}", c.trust.Document("the-id").String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
