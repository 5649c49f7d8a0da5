// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func TestARoleIsAssumedOnlyWithItsExternalID(t *testing.T) {
	w := newWorld(t)
	arn := w.role("r", trusting(root, secretID), func(in *iam.CreateRoleInput) { in.Path = aws.String("/vendors/") })
	out, err := w.assume(arn, externalID("secret-id"))
	if err != nil {
		t.Fatal(err)
	}
	identity, err := sts.NewFromConfig(w.as(out.Credentials)).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToString(identity.Arn), "arn:aws:sts::"+customer+":assumed-role/r/probe"; got != want || got != aws.ToString(out.AssumedRoleUser.Arn) {
		t.Errorf("the session is %s, want %s", got, want)
	}
	if got := aws.ToString(identity.UserId); !strings.HasPrefix(got, "AROA") || !strings.HasSuffix(got, ":probe") || got != aws.ToString(out.AssumedRoleUser.AssumedRoleId) {
		t.Errorf("its ID is %s", got)
	}
	w.want(second(w.assume(arn)), "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: "+arn)
	w.want(second(w.assume(arn, externalID("guess"))), "AccessDenied", "sts:AssumeRole")
}

// second returns the error of a call with two results.
func second[T any](_ T, err error) error { return err }

func TestAMissingRoleAndOneThatDoesNotTrustTheCallerHaveTheSameError(t *testing.T) {
	w := newWorld(t)
	arn := w.role("r", trusting(`{"AWS":"`+customer+`"}`))
	absent := strings.TrimSuffix(arn, "r") + "s"
	refusal := second(w.assume(arn))
	w.want(refusal, "AccessDenied", "")
	if strings.Contains(refusal.Error(), "because") {
		t.Errorf("the refusal reveals its reason: %v", refusal)
	}
	untrusting := message(refusal)
	if got := strings.ReplaceAll(message(second(w.assume(absent))), absent, arn); got != untrusting {
		t.Errorf("the errors differ:\n%s\n%s", got, untrusting)
	}
	w.want(second(w.assume("arn:aws:iam::"+customer+":role/elsewhere/r")), "AccessDenied", "")
	w.want(second(w.assume("arn:aws:iam::999999999999:role/r")), "AccessDenied", "")
}

// message returns the code and message of an AWS error, without the request ID.
func message(err error) string {
	_, text, _ := strings.Cut(err.Error(), "api error ")
	return text
}

func TestTheVendorNeedsAnIdentityPolicyToo(t *testing.T) {
	w := newWorld(t)
	arn := w.role("r", trusting(root))
	limited, err := w.NewUser(vendor, "limited", allowing(`"sns:*"`, "*"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = sts.NewFromConfig(w.config(limited)).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(arn), RoleSessionName: aws.String("probe")})
	w.want(err, "AccessDenied", "user/limited is not authorized")
}

func TestAPrincipalArnConditionAllowsOneRole(t *testing.T) {
	w := newWorld(t)
	vendorIAM := iam.NewFromConfig(w.config(w.admin(vendor)))
	for _, name := range []string{"Registrar", "Intern"} {
		if _, err := vendorIAM.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String(name), Path: aws.String("/ops/"), AssumeRolePolicyDocument: aws.String(trusting(root))}); err != nil {
			t.Fatal(err)
		}
		if _, err := vendorIAM.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String(name), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}); err != nil {
			t.Fatal(err)
		}
	}
	arn := w.role("r", trusting(root, `"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::`+vendor+`:role/ops/Registrar"}`))
	for name, want := range map[string]string{"Registrar": "", "Intern": "AccessDenied"} {
		first, err := w.assume("arn:aws:iam::" + vendor + ":role/ops/" + name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sts.NewFromConfig(w.as(first.Credentials)).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(arn), RoleSessionName: aws.String("probe")})
		w.want(err, want, "")
	}
	w.want(second(w.assume(arn)), "AccessDenied", "")
}

func TestASessionExpiresByTheSandboxsClock(t *testing.T) {
	w := newWorld(t)
	arn := w.role("r", trusting(root))
	out, err := w.assume(arn, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(900) })
	if err != nil {
		t.Fatal(err)
	}
	client := sts.NewFromConfig(w.as(out.Credentials))
	if _, err := client.GetCallerIdentity(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	w.Clock().Advance(901 * time.Second)
	w.want(second(client.GetCallerIdentity(t.Context(), nil)), "ExpiredToken", "expired")
}

func TestASessionNeedsItsToken(t *testing.T) {
	w := newWorld(t)
	out, err := w.assume(w.role("r", trusting(root)))
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"", "another"} {
		stolen := *out.Credentials
		stolen.SessionToken = aws.String(token)
		w.want(second(sts.NewFromConfig(w.as(&stolen)).GetCallerIdentity(t.Context(), nil)), "InvalidClientTokenId", "")
	}
}

func TestSessionsOfADeletedRoleEnd(t *testing.T) {
	w := newWorld(t)
	trust := trusting(root)
	out, err := w.assume(w.role("r", trust))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("r")}); err != nil {
		t.Fatal(err)
	}
	w.role("r", trust)
	w.want(second(sts.NewFromConfig(w.as(out.Credentials)).GetCallerIdentity(t.Context(), nil)), "InvalidClientTokenId", "")
}

func TestParametersOfAssumeRoleAreValidated(t *testing.T) {
	w := newWorld(t)
	arn := w.role("r", trusting(root), func(in *iam.CreateRoleInput) { in.MaxSessionDuration = aws.Int32(7200) })
	for _, test := range []struct {
		name   string
		change func(*sts.AssumeRoleInput)
		want   string
	}{
		{"as long as the role allows", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7200) }, ""},
		{"longer than the role allows", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7201) }, "ValidationError"},
		{"too short", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(899) }, "ValidationError"},
		{"longer than any role", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(43201) }, "ValidationError"},
		{"a session name with a space", func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("a b") }, "ValidationError"},
		{"an external ID of one letter", externalID("x"), "ValidationError"},
		{"an external ID that is too long", externalID(strings.Repeat("x", 1225)), "ValidationError"},
		{"an invalid ARN", func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String("role/r-and-more-letters") }, "ValidationError"},
		{"an invalid session policy", func(in *sts.AssumeRoleInput) { in.Policy = aws.String(`{"Statement":"x"}`) }, "MalformedPolicyDocument"},
		{"a session policy that is too long", func(in *sts.AssumeRoleInput) {
			in.Policy = aws.String(allowing(`"`+strings.Repeat("s3:GetObject\",\"", 150)+`s3:PutObject"`, "*"))
		}, "ValidationError"},
		{"an unknown managed policy", func(in *sts.AssumeRoleInput) {
			in.PolicyArns = []ststypes.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::aws:policy/Nonsense")}}
		}, "MalformedPolicyDocument"},
		{"tags that the trust policy doesn't allow", func(in *sts.AssumeRoleInput) {
			in.Tags = []ststypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
		}, "AccessDenied"},
		{"a source identity that the trust policy doesn't allow", func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("ann") }, "AccessDenied"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := w.assume(arn, test.change); code(err) != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestAChainedSessionLastsAtMostAnHour(t *testing.T) {
	w := newWorld(t)
	long := func(in *iam.CreateRoleInput) { in.MaxSessionDuration = aws.Int32(43200) }
	first, err := w.assume(w.role("first", trusting(root), long), func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(43200) })
	if err != nil {
		t.Fatal(err)
	}
	w.allow("first", "assume", allowing(`"sts:AssumeRole"`, "*"))
	arn := w.role("second", trusting(`{"AWS":"arn:aws:iam::`+customer+`:role/first"}`), long)
	chain := func(seconds int32) error {
		_, err := sts.NewFromConfig(w.as(first.Credentials)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String(arn), RoleSessionName: aws.String("chained"), DurationSeconds: aws.Int32(seconds),
		})
		return err
	}
	w.want(chain(3601), "ValidationError", "role chaining")
	w.want(chain(3600), "", "")
}

func TestASessionPolicyOnlyLimitsTheRolesPermissions(t *testing.T) {
	w := newWorld(t)
	arn := w.role("r", trusting(root))
	w.allow("r", "read", allowing(`"iam:ListRoles","iam:GetRole"`, "*"))
	list := func(change ...func(*sts.AssumeRoleInput)) error {
		out, err := w.assume(arn, change...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = iam.NewFromConfig(w.as(out.Credentials)).ListRoles(t.Context(), nil)
		return err
	}
	w.want(list(), "", "")
	w.want(list(func(in *sts.AssumeRoleInput) {
		in.Policy = aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
	}), "AccessDenied", "explicit deny in a session policy")
	w.want(list(func(in *sts.AssumeRoleInput) { in.Policy = aws.String(allowing(`"iam:GetRole"`, "*")) }), "AccessDenied", "no session policy allows the iam:ListRoles action")
	w.want(list(func(in *sts.AssumeRoleInput) {
		in.PolicyArns = []ststypes.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess")}}
	}), "", "")
	if _, err := w.iam.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("read")}); err != nil {
		t.Fatal(err)
	}
	w.want(list(), "AccessDenied", "no identity-based policy allows the iam:ListRoles action")
}

func TestSessionTagsAndSourceIdentityReachConditions(t *testing.T) {
	w := newWorld(t)
	trust := strings.Replace(trusting(root), `"sts:AssumeRole"`, `["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]`, 1)
	arn := w.role("r", trust, func(in *iam.CreateRoleInput) {
		in.Tags = []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("red")}}
	})
	w.allow("r", "blue", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":"blue","aws:SourceIdentity":"ann"}}}]}`)
	for team, want := range map[string]string{"blue": "", "green": "AccessDenied"} {
		out, err := w.assume(arn, func(in *sts.AssumeRoleInput) {
			in.Tags = []ststypes.Tag{{Key: aws.String("Team"), Value: aws.String(team)}}
			in.SourceIdentity = aws.String("ann")
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = iam.NewFromConfig(w.as(out.Credentials)).ListRoles(t.Context(), nil)
		w.want(err, want, "")
	}
}

func TestATrustPolicyTakesEffectOnceItHasSettled(t *testing.T) {
	w := newWorld(t)
	w.IAM().Settle(30 * time.Second)
	arn := w.role("r", trusting(root))
	w.want(second(w.assume(arn)), "AccessDenied", "")
	w.Clock().Advance(31 * time.Second)
	w.want(second(w.assume(arn)), "", "")
	if _, err := w.iam.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("r"), PolicyDocument: aws.String(trusting(root, secretID))}); err != nil {
		t.Fatal(err)
	}
	w.want(second(w.assume(arn)), "", "") // the old policy still applies
	w.Clock().Advance(31 * time.Second)
	w.want(second(w.assume(arn)), "AccessDenied", "")
	w.want(second(w.assume(arn, externalID("secret-id"))), "", "")
}

func TestAClosedAccountCannotBeUsed(t *testing.T) {
	w := newWorld(t)
	arn := w.role("r", trusting(root))
	w.IAM().CloseAccount(customer)
	w.want(second(w.assume(arn)), "AccessDenied", "")
	w.want(second(w.iam.ListRoles(t.Context(), nil)), "InvalidClientTokenId", "")
	_, err := iam.NewFromConfig(w.config(w.admin(vendor))).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trusting(`{"AWS":"` + customer + `"}`)),
	})
	w.want(err, "MalformedPolicyDocument", "Invalid principal in policy")
	if w.IAM().Exists(customer) || w.OpenAccount(customer, "aws") == nil {
		t.Error("a closed account was opened again")
	}
}
