// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

func TestConditionsSeeTheCurrentOrganizationOfAnAccount(t *testing.T) {
	in := map[string]string{otherAccount: "o-company123"}
	e := NewEvaluator(func() time.Time { return noon })
	e.Organizations(func(account string) string { return in[account] })
	may := func(p *kernel.Principal, condition string) error {
		return e.Authorize(kernel.Authorization{
			Principal: p, Action: "sns:Publish", Resource: topic, ResourceAccount: ownerAccount,
			ResourcePolicy: statement("Allow", "sns:Publish", "*", `,"Principal":"*","Condition":{`+condition+`}`),
		})
	}
	member := `"StringEquals":{"aws:PrincipalOrgID":"o-company123"}`
	expect(t, may(user(otherAccount, all), member), "ok")
	expect(t, may(session(otherAccount, all), member), "ok")
	expect(t, may(user(ownerAccount), member), "AccessDenied")
	expect(t, may(nil, member), "AccessDenied")
	expect(t, may(&kernel.Principal{Service: "sns.amazonaws.com"}, member), "AccessDenied")
	expect(t, may(user(otherAccount, all), `"StringEquals":{"aws:ResourceOrgID":"o-company123"}`), "AccessDenied")
	expect(t, may(user(otherAccount, all), `"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-company123/*"}`), "aws:PrincipalOrgPaths")
	in[ownerAccount] = "o-vendor4567"
	expect(t, may(user(otherAccount, all), `"StringEquals":{"aws:ResourceOrgID":"o-vendor4567"}`), "ok")
	delete(in, otherAccount)
	expect(t, may(user(otherAccount, all), member), "AccessDenied")
}
