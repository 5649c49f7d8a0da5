// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/roleproof"
)

// trustChecks test roles of the customer that the vendor assumes.
var trustChecks = []Check{
	{
		ID: "7.5", Title: "A new role can be assumed within two minutes",
		Place: "internal/registrar (how long a proof is tried)", Makes: "a role", run: settles,
	},
	{
		ID: "7.3", Title: "A role with an external ID can be assumed with it, and is refused without one and with a wrong one",
		Mark:  "don't store the customer's role ARN\". Probe order [I]",
		Place: "internal/roleproof/roleproof.go", Makes: "a role", run: provesRole,
	},
	{
		ID: "7.4", Title: "A missing role, a wrong external ID and a caller that is not trusted cause the same error",
		Mark:  "`smithy.APIError.ErrorCode()`. Missing role, wrong id and untrusted caller look alike [R]",
		Place: "internal/onboarding/messages.go (what a refused customer reads)", Makes: "two roles", run: refusalsAlike,
	},
	{
		ID: "7.6", Title: "A trust in the account's root with aws:PrincipalArn survives recreation of the vendor's role; a trust in the role's ARN does not",
		Mark:  "account root + `aws:PrincipalArn` avoids it [I]",
		Place: "internal/iampolicy/trust.go", Makes: "three roles", run: recreatedPrincipal,
	},
	{
		ID: "12.10", Title: "sts:TagSession sees the external ID: tags pass in one statement with it, and in one of their own",
		Mark:  "without `sts:ExternalId` (IAMUG id_session-tags). [?]",
		Place: "internal/iampolicy/trust.go (TagSession has a statement of its own)", Makes: "two roles", run: tagSession,
	},
}

const secretID = "conformance-external-id"

func settles(ctx context.Context, t *trial) error {
	arn, err := t.makeRole(ctx, t.Customer, "settles", trusts(t.Vendor, "sts:AssumeRole", externalID(secretID)))
	if err != nil {
		return err
	}
	began, tries := time.Now(), 0
	err = t.until(ctx, unsettled, func() error {
		tries++
		_, err := assume(ctx, t.Vendor, sts.AssumeRoleInput{RoleArn: &arn, ExternalId: aws.String(secretID)})
		return err
	})
	took := time.Since(began).Round(time.Second)
	if err != nil && unsettled(err) {
		return instead("after %s and %d tries it is still refused: %v", took, tries, err)
	}
	if err == nil && took > 2*time.Minute {
		return instead("it took %s", took)
	}
	t.remark("after %s, at try %d", took, tries)
	return err
}

func provesRole(ctx context.Context, t *trial) error {
	arn, err := t.makeRole(ctx, t.Customer, "proven", trusts(t.Vendor, "sts:AssumeRole", externalID(secretID)))
	if err != nil {
		return err
	}
	role, err := account.ParseRoleARN(arn)
	if err != nil {
		return err
	}
	id, err := account.ParseExternalID(secretID)
	if err != nil {
		return err
	}
	prover := roleproof.New(roleproof.Config{STS: t.Vendor.STS(t.home()), CallerARN: t.Vendor.CallerARN, VendorAccount: t.Vendor.Account, Random: rand.Reader})
	var proof onboarding.Proof
	err = t.until(ctx, isPending, func() error {
		if proof = prover.Prove(ctx, onboarding.Probe{CustomerID: "conformance", Role: role, ExternalID: id}); proof.Outcome == onboarding.Refused {
			return errPending
		}
		return nil
	})
	t.note("proof", fmt.Sprintf("%+v", proof))
	if err != nil || proof.Outcome != onboarding.Proven {
		return instead("the proof of a correct role returns %s %s: %v", proof.Outcome, proof.Weakness, proof.Err)
	}
	return nil
}

func refusalsAlike(ctx context.Context, t *trial) error {
	known, err := t.makeRole(ctx, t.Customer, "alike", trusts(t.Vendor, "sts:AssumeRole", externalID(secretID)))
	if err != nil {
		return err
	}
	untrusting, err := t.makeRole(ctx, t.Customer, "untrusting", trusts(t.Customer, "sts:AssumeRole", nil))
	if err != nil {
		return err
	}
	if err := t.until(ctx, unsettled, func() error {
		_, err := assume(ctx, t.Vendor, sts.AssumeRoleInput{RoleArn: &known, ExternalId: aws.String(secretID)})
		return err
	}); err != nil {
		return err
	}
	missing := strings.Replace(known, t.name("alike"), t.name("nowhere"), 1)
	words := map[string]string{}
	for what, try := range map[string][2]string{
		"a missing role": {missing, secretID}, "a wrong external ID": {known, "wrong-" + secretID}, "a caller that is not trusted": {untrusting, secretID},
	} {
		_, err := assume(ctx, t.Vendor, sts.AssumeRoleInput{RoleArn: &try[0], ExternalId: &try[1]})
		if err := t.refused(what, err, "AccessDenied"); err != nil {
			return err
		}
		words[strings.ReplaceAll(message(err), try[0], "ROLE")] = what
	}
	if len(words) > 1 {
		return instead("their messages differ: %v", words)
	}
	return nil
}

// message returns the message of AWS's error, without the call and the request's ID.
func message(err error) string {
	if code := awsclient.Code(err); code != "" {
		_, text, _ := strings.Cut(err.Error(), code+": ")
		return text
	}
	return err.Error()
}

func recreatedPrincipal(ctx context.Context, t *trial) error {
	anyRole := statement{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
	worker, err := t.principal(ctx, t.Vendor, "worker", anyRole)
	if err != nil {
		return err
	}
	arn := fmt.Sprintf("arn:%s:iam::%s:role/%s", t.home().Partition(), t.Vendor.Account, t.name("worker"))
	byName, err := t.makeRole(ctx, t.Customer, "byname", trusts(t.Vendor, "sts:AssumeRole", map[string]any{"ArnEquals": map[string]any{"aws:PrincipalArn": arn}}))
	if err != nil {
		return err
	}
	var byID string
	err = t.until(ctx, unsettled, func() error { // IAM must know the principal first
		byID, err = t.makeRole(ctx, t.Customer, "byid", statement{"Effect": "Allow", "Principal": map[string]any{"AWS": arn}, "Action": "sts:AssumeRole"})
		return err
	})
	if err != nil {
		return err
	}
	try := func(p *Party, role string) error {
		_, err := assume(ctx, p, sts.AssumeRoleInput{RoleArn: &role})
		return err
	}
	for _, role := range []string{byName, byID} {
		if err := t.until(ctx, unsettled, func() error { return try(worker, role) }); err != nil {
			return err
		}
	}
	if err := t.removes(ctx, t.Vendor, "role", t.home(), t.name("worker")); err != nil {
		return err
	}
	if worker, err = t.principal(ctx, t.Vendor, "worker", anyRole); err != nil {
		return err
	}
	if err := t.accepted("the recreated role, by aws:PrincipalArn", t.until(ctx, unsettled, func() error { return try(worker, byName) })); err != nil {
		return err
	}
	return t.refused("the recreated role, by its ARN", try(worker, byID), "AccessDenied")
}

func tagSession(ctx context.Context, t *trial) error {
	both := []string{"sts:AssumeRole", "sts:TagSession"}
	together, err := t.makeRole(ctx, t.Customer, "together", trusts(t.Vendor, both, externalID(secretID)))
	if err != nil {
		return err
	}
	apart, err := t.makeRole(ctx, t.Customer, "apart", trusts(t.Vendor, "sts:AssumeRole", externalID(secretID)), trusts(t.Vendor, "sts:TagSession", nil))
	if err != nil {
		return err
	}
	tagged := func(role string) error {
		_, err := assume(ctx, t.Vendor, sts.AssumeRoleInput{
			RoleArn: &role, ExternalId: aws.String(secretID), Tags: []ststypes.Tag{{Key: aws.String("team"), Value: aws.String("intake")}},
		})
		return err
	}
	for _, role := range []string{together, apart} {
		if err := t.until(ctx, unsettled, func() error {
			_, err := assume(ctx, t.Vendor, sts.AssumeRoleInput{RoleArn: &role, ExternalId: aws.String(secretID)})
			return err
		}); err != nil {
			return err
		}
	}
	if err := t.accepted("tags with a statement of their own", tagged(apart)); err != nil {
		return err
	}
	return t.accepted("tags in one statement with the external ID", tagged(together))
}
