// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

const awsPolicy = "arn:aws:iam::aws:policy/"

func TestEveryDocumentIsThatOfAnExistingManagedPolicy(t *testing.T) {
	t.Parallel()
	for name, document := range managed {
		if !ManagedExists(awsPolicy + name) {
			t.Errorf("AWS has no policy %s", name)
		}
		if _, err := Parse(Identity, document); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWSManagedPoliciesAreKnownByName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"AmazonEC2FullAccess": true, "job-function/Billing": true, "service-role/AWSLambdaBasicExecutionRole": true,
		"AmazonGuardDutyFullAccess_v2": true, "AmazonGuardDutyFullAccess": false, // which AWS has removed
		"AmazonEC2Fullaccess": false, "Billing": false, "#": false, "": false,
	} {
		if got := ManagedExists(awsPolicy + name); got != want {
			t.Errorf("%q exists: %v, want %v", name, got, want)
		}
	}
	if !ManagedExists("arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess") || ManagedExists("arn:aws:iam::111111111111:policy/ReadOnlyAccess") {
		t.Error("the ARN's partition or account is ignored")
	}
	if n := len(managedScopes()); n < 1500 {
		t.Errorf("only %d policies are known", n)
	}
}

func TestAPolicyWithoutADocumentIsAnErrorIfItCouldChangeTheDecision(t *testing.T) {
	t.Parallel()
	with := func(arns kernel.PolicyARNs, identity ...string) *kernel.Principal {
		return changed(session(ownerAccount, identity...), func(p *kernel.Principal) { p.WithoutDocument = arns })
	}
	const unrelated, denies = awsPolicy + "AmazonEC2ReadOnlyAccess", awsPolicy + "AWSDenyAll"
	for _, test := range []struct {
		name string
		p    *kernel.Principal
		want string
	}{
		{"allowed anyway", with(kernel.PolicyARNs{Identity: []string{awsPolicy + "AmazonSNSFullAccess"}}, publish), "ok"},
		{"perhaps allowed", with(kernel.PolicyARNs{Identity: []string{unrelated, awsPolicy + "AmazonSNSFullAccess"}}), "AmazonSNSFullAccess"},
		{"not of this service", with(kernel.PolicyARNs{Identity: []string{unrelated}}), "AccessDenied"},
		{"perhaps denied", with(kernel.PolicyARNs{Identity: []string{denies}}, publish), "AWSDenyAll"},
		{"denied anyway", with(kernel.PolicyARNs{Identity: []string{denies}}, all, deny), "AccessDenied"},
		{"a session policy", changed(with(kernel.PolicyARNs{Session: []string{awsPolicy + "AmazonSNSFullAccess"}}, all), func(p *kernel.Principal) { p.Session = []string{} }), "AmazonSNSFullAccess"},
		{"a boundary", changed(with(kernel.PolicyARNs{Boundary: []string{awsPolicy + "PowerUserAccess"}}, all), func(p *kernel.Principal) { p.Boundary = []string{} }), "PowerUserAccess"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, ask(test.p, "", nil), test.want) })
	}
}

func TestServicePrincipalsAreKnownByName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"sns.amazonaws.com": true, "sns.af-south-1.amazonaws.com": true, "ec2.amazonaws.com.cn": true,
		"member.org.stacksets.cloudformation.amazonaws.com": true, "ecs-tasks.amazonaws.com": true,
		"sns.amazonaws.org": false, "snss.amazonaws.com": false, "sns": false, "amazonaws.com": false,
	} {
		if got := ServiceExists(name); got != want {
			t.Errorf("%s exists: %v, want %v", name, got, want)
		}
	}
}

func TestAServiceControlPolicyDeniesWhatOtherPoliciesAllow(t *testing.T) {
	t.Parallel()
	e := NewEvaluator(func() time.Time { return noon })
	e.ServiceControl(func(account string) []string {
		if account == otherAccount {
			return []string{statement("Deny", "sns:Publish", "*", `,"Condition":{"StringNotEquals":{"aws:ResourceAccount":"`+otherAccount+`"}}`)}
		}
		return nil
	})
	may := func(p *kernel.Principal, owner string) error {
		return e.Authorize(kernel.Authorization{Principal: p, Action: "sns:Publish", Resource: topic, ResourceAccount: owner, ResourcePolicy: granting(`"*"`)})
	}
	expect(t, may(user(otherAccount, all), ownerAccount), "with an explicit deny in a service control policy")
	expect(t, may(changed(user(otherAccount), func(p *kernel.Principal) { p.Root = true }), ownerAccount), "service control policy")
	expect(t, may(user(otherAccount, all), otherAccount), "ok")
	expect(t, may(user(ownerAccount, all), ownerAccount), "ok")
	expect(t, may(&kernel.Principal{Service: "sns.amazonaws.com"}, ownerAccount), "ok")
}
