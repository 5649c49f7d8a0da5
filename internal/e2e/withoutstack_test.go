// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// set creates a permission set that lets customers make the role without a stack.
func (w *World) set(name string, declared permissionset.Set) (onboarding.PermissionSet, []byte) {
	w.T.Helper()
	spec := w.Specification(declared.Role)
	spec.Set = declared
	template, err := stacktemplate.Render(spec)
	w.Must(err)
	record, err := w.Registry().CreatePermissionSet(w.T.Context(), onboarding.PermissionSet{
		Hub: Hub, Name: name, RolePath: "/", TrustedPrincipals: spec.Provers(spec.Vendor), RegisterWithoutStack: true,
		TemplateVersion: stacktemplate.Version(spec), TemplateURL: w.Publish(template.JSON()), TemplateParameters: template.LinkParameters(),
		Declared: declaration.EncodeSet(declared), CreatedAt: w.Now(),
	})
	w.Must(err)
	return record, template.JSON()
}

// referring makes a link refer to a set.
func referring(set onboarding.PermissionSet) func(*onboarding.Link) {
	return func(l *onboarding.Link) {
		l.Issued = true
		*l = l.Refer(set)
	}
}

// seeks looks once for roles without a stack, as a registrar does every minute.
func (w *World) seeks() {
	w.T.Helper()
	health.Seeking{
		Claim: w.Registry(), Log: slog.New(slog.DiscardHandler),
		Round: health.Config{Registry: w.Registry(), Prover: registrar.NewProver(w.Clients, w.Record), Clock: w.Now},
	}.SeekOnce(w.T.Context())
}

// applies makes the resources of a snippet by calls of IAM, as a customer's Terraform
// does, with the values of its variables.
func (c *Customer) applies(snippet string, variables map[string]cty.Value) {
	c.T.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(snippet), "iam.tf", hcl.InitialPos)
	if diags.HasErrors() {
		c.T.Fatalf("%v\n%s", diags, snippet)
	}
	made := map[string]map[string]cty.Value{}
	scope := func() *hcl.EvalContext {
		all := map[string]cty.Value{
			"var":  cty.ObjectVal(variables),
			"data": cty.ObjectVal(map[string]cty.Value{"aws_caller_identity": cty.ObjectVal(map[string]cty.Value{"acme_access": cty.ObjectVal(map[string]cty.Value{"account_id": cty.StringVal(c.Account)})})}),
		}
		for kind, resources := range made {
			all[kind] = cty.ObjectVal(resources)
		}
		return &hcl.EvalContext{Variables: all, Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}}
	}
	blocks := file.Body.(*hclsyntax.Body).Blocks
	order := []string{"aws_iam_policy", "aws_iam_role", "aws_iam_role_policy", "aws_iam_role_policy_attachment"}
	for _, kind := range order {
		for _, block := range blocks {
			if block.Type != "resource" || block.Labels[0] != kind {
				continue
			}
			values := map[string]cty.Value{}
			if attribute, counted := block.Body.Attributes["count"]; counted {
				count, diags := attribute.Expr.Value(scope())
				if diags.HasErrors() {
					c.T.Fatalf("%v", diags)
				}
				if count.RawEquals(cty.NumberIntVal(0)) {
					continue
				}
			}
			for name, attribute := range block.Body.Attributes {
				value, diags := attribute.Expr.Value(scope())
				if diags.HasErrors() {
					c.T.Fatalf("%s.%s: %v\n%s", block.Labels[1], name, diags, snippet)
				}
				values[name] = value
			}
			result := c.makes(kind, values)
			if _, counted := values["count"]; counted {
				result = cty.TupleVal([]cty.Value{result})
			}
			if made[kind] == nil {
				made[kind] = map[string]cty.Value{}
			}
			made[kind][block.Labels[1]] = result
		}
	}
}

// makes makes one resource and returns its attributes.
func (c *Customer) makes(kind string, values map[string]cty.Value) cty.Value {
	c.T.Helper()
	client, ctx := c.iam(), c.T.Context()
	get := func(name string) *string {
		if v, given := values[name]; given && !v.IsNull() {
			return aws.String(v.AsString())
		}
		return nil
	}
	switch kind {
	case "aws_iam_role":
		input := &iam.CreateRoleInput{
			RoleName: get("name"), Path: get("path"), Description: get("description"), AssumeRolePolicyDocument: get("assume_role_policy"), PermissionsBoundary: get("permissions_boundary"),
		}
		if v, given := values["max_session_duration"]; given {
			seconds, _ := v.AsBigFloat().Int64()
			input.MaxSessionDuration = aws.Int32(int32(seconds))
		}
		if v, given := values["tags"]; given {
			for key, value := range v.AsValueMap() {
				input.Tags = append(input.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value.AsString())})
			}
		}
		_, err := client.CreateRole(ctx, input)
		c.Must(err)
		return cty.ObjectVal(map[string]cty.Value{"id": values["name"], "name": values["name"]})
	case "aws_iam_role_policy":
		_, err := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: get("role"), PolicyName: get("name"), PolicyDocument: get("policy")})
		c.Must(err)
	case "aws_iam_policy":
		out, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String(*get("name_prefix") + "1"), Path: get("path"), PolicyDocument: get("policy")})
		c.Must(err)
		return cty.ObjectVal(map[string]cty.Value{"arn": cty.StringVal(*out.Policy.Arn)})
	case "aws_iam_role_policy_attachment":
		_, err := client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: get("role"), PolicyArn: get("policy_arn")})
		c.Must(err)
	}
	return cty.EmptyObjectVal
}

// roleAsMade is all that matters of a customer's role, for comparing.
func (c *Customer) roleAsMade() []string {
	c.T.Helper()
	client, ctx, name := c.iam(), c.T.Context(), &c.Link.RoleName
	role, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	c.Must(err)
	canonical := func(document *string) string {
		plain, err := url.QueryUnescape(*document)
		c.Must(err)
		parsed, err := iampolicy.Parse(plain)
		c.Must(err)
		return strings.ReplaceAll(parsed.String(), c.Link.ExternalID.String(), "EXTERNAL-ID")
	}
	r := role.Role
	made := []string{"trust " + canonical(r.AssumeRolePolicyDocument), "path " + *r.Path, "description " + aws.ToString(r.Description)}
	if r.PermissionsBoundary != nil {
		made = append(made, "boundary "+*r.PermissionsBoundary.PermissionsBoundaryArn)
	}
	for _, tag := range r.Tags {
		if !strings.HasPrefix(*tag.Key, "aws:") {
			made = append(made, "tag "+*tag.Key+"="+*tag.Value)
		}
	}
	inline, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name})
	c.Must(err)
	for _, policy := range inline.PolicyNames {
		out, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: &policy})
		c.Must(err)
		made = append(made, "inline "+policy+" "+canonical(out.PolicyDocument))
	}
	attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	c.Must(err)
	for _, policy := range attached.AttachedPolicies {
		if strings.Contains(*policy.PolicyArn, ":aws:policy/") {
			made = append(made, "attached "+*policy.PolicyArn)
			continue
		}
		found, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: policy.PolicyArn})
		c.Must(err)
		version, err := client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: policy.PolicyArn, VersionId: found.Policy.DefaultVersionId})
		c.Must(err)
		made = append(made, "own policy "+canonical(version.PolicyVersion.Document))
	}
	slices.Sort(made)
	for i := range made {
		made[i] = strings.ReplaceAll(made[i], c.Account, "ACCOUNT")
	}
	return made
}

// everythingAsked is a set that has something of everything.
func everythingAsked() permissionset.Set {
	read := func(action, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}]}`
	}
	return permissionset.Set{
		Role: permissionset.Role{
			Description: `For "acme": ${not} %{a} template`, MaxSessionDuration: 7200, Tags: map[string]string{"team": "ops"},
			ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit"}, PermissionsBoundaryARN: "arn:aws:iam::aws:policy/ReadOnlyAccess",
			InlinePolicies:  permissionset.Policies{"home": read("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*"), "own": read("s3:ListBucket", "arn:aws:s3:::logs-{{xacct:account_id}}-{{xacct:parameter:bucket}}")},
			ManagedPolicies: permissionset.Policies{"core": read("ec2:DescribeInstances", "*")},
		},
		Choices: permissionset.Choices{
			RegisterWithoutStack: true,
			CustomerParameters:   map[string]permissionset.CustomerParameter{"bucket": {Description: "A bucket"}},
			OptionalPermissions: map[string]permissionset.OptionalPermission{
				"billing": {Description: "Costs", InlinePolicies: permissionset.Policies{"costs": read("ce:GetCostAndUsage", "*")}, ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"}},
				"more":    {Description: "More", DefaultEnabled: true, ManagedPolicies: permissionset.Policies{"more": read("ec2:DescribeTags", "*")}},
			},
		},
	}
}

// What the snippet makes is what the stack makes, for the same choices.
func TestTheRoleOfTheSnippetIsThatOfTheStack(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	set, template := w.set("everything", everythingAsked())
	for i, on := range []bool{false, true} {
		value := map[bool]string{false: permissionset.SwitchedOff, true: permissionset.SwitchedOn}[on]
		stacked := w.Invite("stacked"+value, AccountID(10*i+1), referring(set))
		id := stacked.Launch(Frankfurt, sandbox.LaunchOptions{Parameters: map[string]string{"InputBucket": "mine", "EnableBilling": value, "EnableMore": value}})
		stacked.Settled(id, "CREATE_COMPLETE")
		w.Quiet()

		plain := w.Invite("plain"+value, AccountID(10*i+2), referring(set))
		of, err := launch.Of(plain.Link, declaration.Declaration{Region: Frankfurt, StackName: "acme-access"})
		w.Must(err)
		snippet, err := launch.IAMSnippet(template, of)
		w.Must(err)
		plain.applies(snippet, map[string]cty.Value{
			"acme_access_bucket": cty.StringVal("mine"), "acme_access_enable_billing": cty.BoolVal(on), "acme_access_enable_more": cty.BoolVal(on),
		})
		want, got := stacked.roleAsMade(), plain.roleAsMade()
		for n := range want {
			want[n] = strings.ReplaceAll(want[n], "stacked"+value, "plain"+value)
		}
		if !slices.Equal(want, got) {
			t.Errorf("switched %s: the stack's role is\n%s\nand the snippet's\n%s\n%s", value, strings.Join(want, "\n"), strings.Join(got, "\n"), snippet)
		}
		w.Advance(2 * time.Minute)
		w.seeks()
		if all := plain.Registrations(); len(all) != 1 || all[0].Status != onboarding.Active || !all[0].WithoutStack {
			t.Errorf("the role without a stack is registered as %+v", all)
		}
	}
}

// A role that a customer makes by IAM alone registers within minutes, once, and only
// under an open link; it follows a rotation, and is disconnected when it is gone.
func TestARoleWithoutAStackLivesAndEnds(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	declared := permissionset.Set{Role: roleV1, Choices: permissionset.Choices{RegisterWithoutStack: true}}
	set, template := w.set("plain", declared)
	snippet := func(c *Customer, more map[string]string) string {
		of, err := launch.Of(c.Link, declaration.Declaration{Region: Frankfurt, StackName: "acme-access"})
		w.Must(err)
		for name, value := range more {
			of.Parameters[name] = value
		}
		text, err := launch.IAMSnippet(template, of)
		w.Must(err)
		return text
	}
	round := func() {
		t.Helper()
		_, err := health.Round(t.Context(), health.Config{Registry: w.Registry(), Prover: registrar.NewProver(w.Clients, w.Record), Clock: w.Now})
		w.Must(err)
	}
	witness := w.Invite("witness", AccountID(9), referring(set))
	witness.Connect(Frankfurt)
	c, closed := w.Invite("globex", AccountID(1), referring(set)), w.Invite("initech", AccountID(2), referring(set))
	w.Advance(2 * time.Minute)
	w.seeks()
	c.Unknown() // the role is not there yet

	c.applies(snippet(c, nil), nil)
	closed.applies(snippet(closed, nil), nil)
	closed.Change(func(l *onboarding.Link) { l.Closed, l.ClosedAt = true, w.Now() })
	w.Advance(2 * time.Minute)
	done := make(chan struct{})
	go func() { defer close(done); w.seeks() }()
	w.seeks()
	<-done
	closed.Unknown()
	all := c.Registrations()
	if len(all) != 1 || all[0].Status != onboarding.Active || !all[0].WithoutStack || all[0].ExternalID != c.Link.ExternalID {
		t.Fatalf("the customer has %+v", all)
	}
	if got := c.Happened(); !slices.Equal(got, []onboarding.Outcome{onboarding.OutcomeRegistered}) {
		t.Errorf("the history is %v", got)
	}

	before := c.Link.ExternalID
	c.Rotate(2)
	round()
	if now := c.Registrations()[0]; now.ExternalID != before || now.Status != onboarding.Active {
		t.Errorf("before the customer did anything: %+v", now)
	}
	trust := func(more map[string]string) {
		t.Helper()
		file, _ := hclsyntax.ParseConfig([]byte(snippet(c, more)), "iam.tf", hcl.InitialPos)
		document, diags := file.Body.(*hclsyntax.Body).Blocks[0].Body.Attributes["assume_role_policy"].Expr.Value(&hcl.EvalContext{Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_, err := c.iam().UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: &c.Link.RoleName, PolicyDocument: aws.String(document.AsString())})
		w.Must(err)
	}
	trust(map[string]string{stacktemplate.ParameterPreviousExternalID: before.String()})
	round()
	if now := c.Registrations()[0]; now.ExternalID != c.Link.ExternalID || now.PreviousExternalID != before {
		t.Errorf("after the customer's role accepts both: %+v", now)
	}
	trust(nil)
	round()
	if now := c.Registrations()[0]; !now.PreviousExternalID.IsZero() || now.Status != onboarding.Active {
		t.Errorf("after the old one has gone: %+v", now)
	}

	_, err := c.iam().DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: &c.Link.RoleName, PolicyName: aws.String("logs")})
	w.Must(err)
	_, err = c.iam().DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &c.Link.RoleName})
	w.Must(err)
	for _, step := range []struct {
		days int
		want onboarding.RegistrationStatus
	}{{0, onboarding.Degraded}, {6, onboarding.Degraded}, {1, onboarding.Disconnected}} {
		w.Advance(time.Duration(step.days) * 24 * time.Hour)
		round()
		if now := c.Registrations()[0]; now.Status != step.want {
			t.Errorf("%d days later: %+v, want %s", step.days, now, step.want)
		}
	}
}
