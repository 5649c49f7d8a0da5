// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestARoleIsReturnedAsItWasCreated(t *testing.T) {
	w := newWorld(t)
	trust := trusting(root, secretID)
	arn := w.role("r", trust, func(in *iam.CreateRoleInput) {
		in.Path = aws.String("/a/b/")
		in.Description = aws.String("for tests & <more>")
		in.MaxSessionDuration = aws.Int32(7200)
		in.PermissionsBoundary = aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")
		in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v w")}}
	})
	if want := "arn:aws:iam::" + customer + ":role/a/b/r"; arn != want {
		t.Errorf("the ARN is %s", arn)
	}
	out, err := w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r")})
	if err != nil {
		t.Fatal(err)
	}
	got := out.Role
	document, err := url.PathUnescape(aws.ToString(got.AssumeRolePolicyDocument))
	if err != nil || document != trust {
		t.Errorf("the trust policy is %s (%v)", document, err)
	}
	if aws.ToString(got.Path) != "/a/b/" || aws.ToString(got.Description) != "for tests & <more>" || aws.ToInt32(got.MaxSessionDuration) != 7200 ||
		aws.ToString(got.PermissionsBoundary.PermissionsBoundaryArn) != "arn:aws:iam::aws:policy/ReadOnlyAccess" ||
		len(got.Tags) != 1 || aws.ToString(got.Tags[0].Value) != "v w" || !strings.HasPrefix(aws.ToString(got.RoleId), "AROA") || got.CreateDate == nil {
		t.Errorf("read back as %+v", got)
	}
}

func TestInvalidRolesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.role("Taken", trusting(root))
	set := func(change func(*iam.CreateRoleInput)) func(*iam.CreateRoleInput) { return change }
	for _, test := range []struct {
		name   string
		change func(*iam.CreateRoleInput)
		code   string
		text   string
	}{
		{"a name that differs by case only", set(func(in *iam.CreateRoleInput) { in.RoleName = aws.String("taken") }), "EntityAlreadyExists", "Role with name taken already exists."},
		{"a name with a space", set(func(in *iam.CreateRoleInput) { in.RoleName = aws.String("a b") }), "ValidationError", "roleName"},
		{"a name of 65 letters", set(func(in *iam.CreateRoleInput) { in.RoleName = aws.String(strings.Repeat("a", 65)) }), "ValidationError", "64"},
		{"a path without slashes", set(func(in *iam.CreateRoleInput) { in.Path = aws.String("a") }), "ValidationError", "path"},
		{"a session of half an hour", set(func(in *iam.CreateRoleInput) { in.MaxSessionDuration = aws.Int32(1800) }), "ValidationError", "3600"},
		{"a session of 13 hours", set(func(in *iam.CreateRoleInput) { in.MaxSessionDuration = aws.Int32(46800) }), "ValidationError", "43200"},
		{"a long description", set(func(in *iam.CreateRoleInput) { in.Description = aws.String(strings.Repeat("a", 1001)) }), "ValidationError", "1000"},
		{"an unknown boundary", set(func(in *iam.CreateRoleInput) { in.PermissionsBoundary = aws.String("arn:aws:iam::aws:policy/Nonsense") }), "NoSuchEntity", "Nonsense"},
		{"a tag with the prefix aws:", set(func(in *iam.CreateRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("y")}}
		}), "InvalidInput", "reserved"},
		{"a tag twice", set(func(in *iam.CreateRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("1")}, {Key: aws.String("K"), Value: aws.String("2")}}
		}), "InvalidInput", "Duplicate"},
		{"invalid JSON", set(func(in *iam.CreateRoleInput) { in.AssumeRolePolicyDocument = aws.String("{") }), "MalformedPolicyDocument", "invalid Json"},
		{"an identity policy as trust", set(func(in *iam.CreateRoleInput) { in.AssumeRolePolicyDocument = aws.String(allowing(`"s3:*"`, "*")) }), "MalformedPolicyDocument", "Principal"},
		{"an unknown account", set(func(in *iam.CreateRoleInput) {
			in.AssumeRolePolicyDocument = aws.String(trusting(`{"AWS":"arn:aws:iam::999999999999:root"}`))
		}), "MalformedPolicyDocument", "Invalid principal in policy"},
		{"an unknown role", set(func(in *iam.CreateRoleInput) {
			in.AssumeRolePolicyDocument = aws.String(trusting(`{"AWS":"arn:aws:iam::` + vendor + `:role/ghost"}`))
		}), "MalformedPolicyDocument", "ghost"},
		{"an unknown service", set(func(in *iam.CreateRoleInput) {
			in.AssumeRolePolicyDocument = aws.String(trusting(`{"Service":"snss.amazonaws.com"}`))
		}), "MalformedPolicyDocument", `Invalid principal in policy: "SERVICE":"snss.amazonaws.com"`},
		{"51 tags", set(func(in *iam.CreateRoleInput) {
			for i := range 51 {
				in.Tags = append(in.Tags, types.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("v")})
			}
		}), "LimitExceeded", "50"},
		{"a trust policy over the limit", set(func(in *iam.CreateRoleInput) {
			in.AssumeRolePolicyDocument = aws.String(trusting(root, `"StringEquals":{"sts:ExternalId":"`+strings.Repeat("x", 2000)+`"}`))
		}), "LimitExceeded", "ACLSizePerRole: 2048"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := &iam.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(trusting(root))}
			test.change(in)
			_, err := w.iam.CreateRole(t.Context(), in)
			if code(err) != test.code || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestARoleHasInlinePoliciesUpToTheSizeLimit(t *testing.T) {
	w := newWorld(t)
	w.role("r", trusting(root))
	document := allowing(`"s3:Get*"`, "arn:aws:s3:::b/*")
	w.allow("r", "two", document)
	w.allow("r", "one", document)
	w.allow("r", "one", document) // putting it again is not an error
	list, err := w.iam.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: aws.String("r")})
	if err != nil || strings.Join(list.PolicyNames, ",") != "one,two" {
		t.Errorf("listed %v, %v", list, err)
	}
	got, err := w.iam.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("one")})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := url.PathUnescape(aws.ToString(got.PolicyDocument)); text != document {
		t.Errorf("read back as %s", text)
	}
	put := func(text string) error {
		_, err := w.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("big"), PolicyDocument: aws.String(text)})
		return err
	}
	w.want(put("nonsense"), "MalformedPolicyDocument", "")
	room := 10240 - 2*len(document) - len(allowing(`""`, "*"))
	fits := allowing(`"`+"s3:"+strings.Repeat("a", room-3)+`"`, "*")
	w.want(put(strings.Replace(fits, ",", ",\n      ", 2)), "", "") // whitespace does not count
	w.want(put(strings.Replace(fits, "aa", "aaa", 1)), "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role r")
	_, err = w.iam.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("absent")})
	w.want(err, "NoSuchEntity", "absent")
}

func TestARoleHasUpToTenManagedPolicies(t *testing.T) {
	w := newWorld(t)
	w.role("r", trusting(root))
	attach := func(arn string) error {
		_, err := w.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: aws.String(arn)})
		return err
	}
	w.want(attach("arn:aws:iam::aws:policy/ReadOnlyAccess"), "", "")
	w.want(attach("arn:aws:iam::aws:policy/ReadOnlyAccess"), "", "")
	w.want(attach("arn:aws:iam::aws:policy/ReadonlyAccess"), "NoSuchEntity", "does not exist or is not attachable")
	w.want(attach("a-string-without-an-arn"), "InvalidInput", "")
	w.want(attach("arn:aws:iam::aws:policy/aws-service-role/AWSSupportServiceRolePolicy"), "PolicyNotAttachable", "Service Role Policy")
	for i := range 10 {
		made, err := w.iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String(fmt.Sprint("p", i)), PolicyDocument: aws.String(allowing(`"s3:*"`, "*"))})
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if i == 9 {
			want = "LimitExceeded"
		}
		w.want(attach(aws.ToString(made.Policy.Arn)), want, "")
	}
	list, err := w.iam.ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: aws.String("r"), MaxItems: aws.Int32(4)})
	if err != nil || len(list.AttachedPolicies) != 4 || !list.IsTruncated {
		t.Fatalf("listed %+v, %v", list, err)
	}
	pages := iam.NewListAttachedRolePoliciesPaginator(w.iam, &iam.ListAttachedRolePoliciesInput{RoleName: aws.String("r"), MaxItems: aws.Int32(3)})
	n := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.AttachedPolicies)
	}
	if n != 10 {
		t.Errorf("%d policies are attached", n)
	}
	detach := func() error {
		_, err := w.iam.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")})
		return err
	}
	w.want(detach(), "", "")
	w.want(detach(), "NoSuchEntity", "")
}

func TestARoleWithPoliciesIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	w.role("r", trusting(root))
	w.allow("r", "p", allowing(`"s3:*"`, "*"))
	remove := func() error {
		_, err := w.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("r")})
		return err
	}
	w.want(remove(), "DeleteConflict", "must delete policies first")
	if _, err := w.iam.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: aws.String("arn:aws:iam::aws:policy/SecurityAudit")}); err != nil {
		t.Fatal(err)
	}
	w.want(remove(), "DeleteConflict", "must detach all policies first")
	if _, err := w.iam.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: aws.String("arn:aws:iam::aws:policy/SecurityAudit")}); err != nil {
		t.Fatal(err)
	}
	w.want(remove(), "", "")
	w.want(remove(), "NoSuchEntity", "The role with name r cannot be found.")
}

func TestUpdatesOfARoleTakeEffect(t *testing.T) {
	w := newWorld(t)
	arn := w.role("r", trusting(root))
	for name, err := range map[string]error{
		"UpdateRole":             second(w.iam.UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: aws.String("r"), Description: aws.String("new"), MaxSessionDuration: aws.Int32(3600 * 2)})),
		"UpdateAssumeRolePolicy": second(w.iam.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("r"), PolicyDocument: aws.String(trusting(root, secretID))})),
		"TagRole":                second(w.iam.TagRole(t.Context(), &iam.TagRoleInput{RoleName: aws.String("r"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}})),
		"PutRolePermissionsBoundary": second(w.iam.PutRolePermissionsBoundary(t.Context(), &iam.PutRolePermissionsBoundaryInput{
			RoleName: aws.String("r"), PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess"),
		})),
	} {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if _, err := w.iam.UntagRole(t.Context(), &iam.UntagRoleInput{RoleName: aws.String("r"), TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	got, err := w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r")})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(got.Role.Description) != "new" || aws.ToInt32(got.Role.MaxSessionDuration) != 7200 || len(got.Role.Tags) != 1 {
		t.Errorf("read back as %+v", got.Role)
	}
	w.want(second(w.assume(arn)), "AccessDenied", "")
	w.allow("r", "all", allowing(`"*"`, "*"))
	out, err := w.assume(arn, externalID("secret-id"))
	if err != nil {
		t.Fatal(err)
	}
	within := iam.NewFromConfig(w.as(out.Credentials))
	w.want(second(within.ListRoles(t.Context(), nil)), "", "")
	w.want(second(within.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("r")})), "AccessDenied", "no permissions boundary allows the iam:DeleteRole action")
	if _, err := w.iam.DeleteRolePermissionsBoundary(t.Context(), &iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("r")}); err != nil {
		t.Fatal(err)
	}
	w.want(second(within.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("r")})), "DeleteConflict", "")
}

// TestARecreatedRoleIsNoLongerTrusted checks aws-facts 7.6: a trust policy that
// names a role by ARN means the role's unique ID; a condition on
// aws:PrincipalArn means the ARN.
func TestARecreatedRoleIsNoLongerTrusted(t *testing.T) {
	w := newWorld(t)
	vendorIAM := iam.NewFromConfig(w.config(w.admin(vendor)))
	recreate := func() {
		t.Helper()
		_, _ = vendorIAM.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: aws.String("Registrar"), PolicyName: aws.String("all")})
		_, _ = vendorIAM.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("Registrar")})
		if _, err := vendorIAM.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("Registrar"), AssumeRolePolicyDocument: aws.String(trusting(root))}); err != nil {
			t.Fatal(err)
		}
		if _, err := vendorIAM.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("Registrar"), PolicyName: aws.String("all"), PolicyDocument: aws.String(allowing(`"*"`, "*"))}); err != nil {
			t.Fatal(err)
		}
	}
	const registrar = "arn:aws:iam::" + vendor + ":role/Registrar"
	recreate()
	byARN := w.role("by-arn", trusting(`{"AWS":["`+registrar+`"]}`))
	byCondition := w.role("by-condition", trusting(root, `"ArnEquals":{"aws:PrincipalArn":"`+registrar+`"}`))
	try := func(target string) error {
		t.Helper()
		first, err := w.assume(registrar)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sts.NewFromConfig(w.as(first.Credentials)).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(target), RoleSessionName: aws.String("probe")})
		return err
	}
	shown := func() string {
		t.Helper()
		out, err := w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("by-arn")})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := url.PathUnescape(aws.ToString(out.Role.AssumeRolePolicyDocument))
		return text
	}
	w.want(try(byARN), "", "")
	w.want(try(byCondition), "", "")
	if !strings.Contains(shown(), registrar) {
		t.Errorf("the trust policy shows %s", shown())
	}
	recreate()
	w.want(try(byARN), "AccessDenied", "")
	w.want(try(byCondition), "", "")
	if text := shown(); strings.Contains(text, registrar) || !strings.Contains(text, `"AROA`) {
		t.Errorf("the trust policy shows %s", text)
	}
}

func TestRolesAreListedPageByPage(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		w.role(fmt.Sprint("r", i), trusting(root), func(in *iam.CreateRoleInput) {
			if i%2 == 0 {
				in.Path = aws.String("/even/")
			}
		})
	}
	pages := iam.NewListRolesPaginator(w.iam, &iam.ListRolesInput{PathPrefix: aws.String("/even/"), MaxItems: aws.Int32(3)})
	var names []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Roles {
			names = append(names, aws.ToString(r.RoleName))
		}
	}
	if got := strings.Join(names, ","); got != "r0,r2,r4,r6" {
		t.Errorf("listed %s", got)
	}
	out, err := iam.NewFromConfig(w.config(w.admin(vendor))).ListRoles(t.Context(), nil)
	if err != nil || len(out.Roles) != 0 {
		t.Errorf("another account sees %d roles, %v", len(out.Roles), err)
	}
}

func TestEveryAWSManagedPolicyCanBeAttached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role("r", trusting(root))
	arn := aws.String("arn:aws:iam::aws:policy/AmazonRDSFullAccess")
	w.want(second(w.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: arn})), "", "")
	got, err := w.iam.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil || aws.ToString(got.Policy.PolicyName) != "AmazonRDSFullAccess" {
		t.Errorf("the policy is %+v, %v", got, err)
	}
	w.want(second(w.iam.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})), "SandboxNotImplemented", "does not have the document")
	out, err := w.assume(role)
	if err != nil {
		t.Fatal(err)
	}
	// The policy's document is unknown, but it has actions of SNS and none of
	// DynamoDB.
	w.want(second(dynamodb.NewFromConfig(w.as(out.Credentials)).ListTables(t.Context(), nil)), "AccessDeniedException", "no identity-based policy")
	w.want(second(sns.NewFromConfig(w.as(out.Credentials)).ListTopics(t.Context(), nil)), "SandboxNotImplemented", "AmazonRDSFullAccess")
}

func TestTagsOfARoleAreListedPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role("r", trusting(root), func(in *iam.CreateRoleInput) {
		for _, key := range []string{"c", "a", "e", "b", "d"} {
			in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String("v")})
		}
	})
	first, err := w.iam.ListRoleTags(t.Context(), &iam.ListRoleTagsInput{RoleName: aws.String("r"), MaxItems: aws.Int32(3)})
	if err != nil || len(first.Tags) != 3 || !first.IsTruncated {
		t.Fatalf("got %+v, %v", first, err)
	}
	rest, err := w.iam.ListRoleTags(t.Context(), &iam.ListRoleTagsInput{RoleName: aws.String("r"), MaxItems: aws.Int32(3), Marker: first.Marker})
	if err != nil || len(rest.Tags) != 2 || rest.IsTruncated || aws.ToString(rest.Tags[0].Key) != "d" {
		t.Errorf("got %+v, %v", rest, err)
	}
}

func TestACustomerManagedPolicyIsCreatedAttachedAndDeleted(t *testing.T) {
	w := newWorld(t)
	create := func(name, document string) (string, error) {
		out, err := w.iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String(name), PolicyDocument: aws.String(document), Path: aws.String("/team/")})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.Policy.Arn), nil
	}
	arn, err := create("p", allowing(`"iam:ListRoles"`, "*"))
	if err != nil || arn != "arn:aws:iam::"+customer+":policy/team/p" {
		t.Fatalf("created %s, %v", arn, err)
	}
	w.want(second(create("P", allowing(`"s3:*"`, "*"))), "EntityAlreadyExists", "")
	w.want(second(create("bad", "{}")), "MalformedPolicyDocument", "")
	w.want(second(create("long", allowing(`"s3:`+strings.Repeat("a", 6144)+`"`, "*"))), "LimitExceeded", "6144")
	version, err := w.iam.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: aws.String(arn), VersionId: aws.String("v1")})
	if err != nil || !strings.Contains(aws.ToString(version.PolicyVersion.Document), "ListRoles") {
		t.Errorf("its version is %+v, %v", version, err)
	}
	role := w.role("r", trusting(root))
	if _, err := w.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: aws.String(arn)}); err != nil {
		t.Fatal(err)
	}
	out, err := w.assume(role)
	if err != nil {
		t.Fatal(err)
	}
	w.want(second(iam.NewFromConfig(w.as(out.Credentials)).ListRoles(t.Context(), nil)), "", "")
	remove := func() error {
		_, err := w.iam.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: aws.String(arn)})
		return err
	}
	w.want(remove(), "DeleteConflict", "")
	if _, err := w.iam.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: aws.String(arn)}); err != nil {
		t.Fatal(err)
	}
	w.want(remove(), "", "")
	w.want(second(w.iam.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: aws.String(arn)})), "NoSuchEntity", "")
	viewOnly, err := w.iam.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/job-function/ViewOnlyAccess")})
	if err != nil || aws.ToString(viewOnly.Policy.Path) != "/job-function/" {
		t.Errorf("AWS's own policy is %+v, %v", viewOnly, err)
	}
}

func TestAManagedPolicyHasUpToFiveVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made, err := w.iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: aws.String(allowing(`"iam:ListRoles"`, "*"))})
	if err != nil {
		t.Fatal(err)
	}
	arn := made.Policy.Arn
	revise := func(document string, asDefault bool) error {
		_, err := w.iam.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &document, SetAsDefault: asDefault})
		return err
	}
	role := w.role("r", trusting(root))
	if _, err := w.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: arn}); err != nil {
		t.Fatal(err)
	}
	out, err := w.assume(role)
	if err != nil {
		t.Fatal(err)
	}
	list := func() error {
		return second(iam.NewFromConfig(w.as(out.Credentials)).ListRoles(t.Context(), nil))
	}
	w.want(revise(allowing(`"s3:*"`, "*"), false), "", "")
	w.want(list(), "", "") // the first version is still the default
	w.want(revise(allowing(`"s3:Get*"`, "*"), true), "", "")
	w.want(list(), "AccessDenied", "")
	w.want(second(w.iam.SetDefaultPolicyVersion(t.Context(), &iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})), "", "")
	w.want(list(), "", "")
	w.want(revise(allowing(`"s3:List*"`, "*"), false), "", "")
	w.want(revise(allowing(`"s3:Put*"`, "*"), false), "", "")
	w.want(revise(allowing(`"s3:*"`, "*"), false), "LimitExceeded", "up to 5 versions")
	w.want(revise("{}", false), "MalformedPolicyDocument", "")
	remove := func(version string) error {
		return second(w.iam.DeletePolicyVersion(t.Context(), &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: &version}))
	}
	w.want(remove("v1"), "DeleteConflict", "default version")
	w.want(remove("v9"), "NoSuchEntity", "v9")
	w.want(remove("v2"), "", "")
	entities, err := w.iam.ListEntitiesForPolicy(t.Context(), &iam.ListEntitiesForPolicyInput{PolicyArn: arn})
	if err != nil || len(entities.PolicyRoles) != 1 {
		t.Errorf("the policy is attached to %+v, %v", entities, err)
	}
	w.want(second(w.iam.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: arn})), "", "")
	drop := func() error { return second(w.iam.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: arn})) }
	w.want(drop(), "DeleteConflict", "more than one version")
	for _, version := range []string{"v3", "v4", "v5"} {
		w.want(remove(version), "", "")
	}
	w.want(drop(), "", "")
	w.want(second(w.iam.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess"), PolicyDocument: aws.String(allowing(`"s3:*"`, "*"))})), "AccessDenied", "")
}

func TestIAMAuthorizesItsCallers(t *testing.T) {
	w := newWorld(t)
	w.role("mine", trusting(root))
	w.role("other", trusting(root))
	limited, err := w.NewUser(customer, "limited", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::`+customer+`:role/mine"},
		{"Effect":"Allow","Action":"iam:CreateRole","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::aws:policy/ReadOnlyAccess","aws:RequestTag/owner":"limited"}}},
		{"Effect":"Deny","Action":"iam:AttachRolePolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/AdministratorAccess"}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	client := iam.NewFromConfig(w.config(limited))
	attach := func(role, policy string) error {
		_, err := client.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String(role), PolicyArn: aws.String("arn:aws:iam::aws:policy/" + policy)})
		return err
	}
	w.want(attach("mine", "ReadOnlyAccess"), "", "")
	w.want(attach("mine", "AdministratorAccess"), "AccessDenied", "explicit deny")
	w.want(attach("other", "ReadOnlyAccess"), "AccessDenied", "iam:AttachRolePolicy on resource: arn:aws:iam::"+customer+":role/other because no identity-based policy")
	create := func(change func(*iam.CreateRoleInput)) error {
		in := &iam.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(trusting(root))}
		change(in)
		_, err := client.CreateRole(t.Context(), in)
		return err
	}
	w.want(create(func(*iam.CreateRoleInput) {}), "AccessDenied", "")
	w.want(create(func(in *iam.CreateRoleInput) {
		in.PermissionsBoundary = aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")
		in.Tags = []types.Tag{{Key: aws.String("Owner"), Value: aws.String("limited")}}
	}), "", "")
}

func TestARNsInChinaHaveTheirOwnPartition(t *testing.T) {
	w := newWorld(t)
	if err := w.OpenAccount("333333333333", "aws-cn"); err != nil {
		t.Fatal(err)
	}
	c := w.config(w.admin("333333333333"))
	c.Region = "cn-north-1"
	who, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), nil)
	if err != nil || aws.ToString(who.Arn) != "arn:aws-cn:iam::333333333333:user/admin" {
		t.Errorf("got %v, %v", who, err)
	}
}
