// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// made is everything that a stack creates in the customer's account.
type made struct {
	Resources  map[string]string // type by logical ID
	Roles      []string          // all roles of the account
	Parameters map[string]string
	Outputs    map[string]string
	Granted    []string            // optional permissions, as registered by the vendor
	Typed      map[string]string   // values that the customer entered, as registered
	Reported   map[string]string   // values that the stack reported, as registered
	Beside     map[string]string   // ARNs of additional roles, as registered
	Each       map[string]madeRole // by the role's name
}

// madeRole is one role of the stack.
type madeRole struct {
	Path        string
	Description string
	Longest     time.Duration
	Boundary    string
	Tags        map[string]string
	Managed     []string
	Inline      map[string]any // documents by name
	Created     []string       // statements of all policies that the stack created
	Trust       any
}

// madeExactly fails the test if what was created differs from what was declared.
func (c *Customer) madeExactly(d drawn, stack sandbox.Stack, registered onboarding.Registration) {
	c.T.Helper()
	made := c.made(stack)
	made.Granted = slices.Sorted(slices.Values(registered.GrantedPermissions))
	if made.Typed = registered.Parameters; made.Typed == nil {
		made.Typed = map[string]string{}
	}
	if made.Reported = registered.Reported; made.Reported == nil {
		made.Reported = map[string]string{}
	}
	made.Beside = registered.AdditionalRoleARNs()
	if diff := cmp.Diff(c.declared(d), made); diff != "" {
		c.T.Fatalf("what was created (+) is not what was declared (-):\n%s", diff)
	}
}

func (c *Customer) declared(d drawn) made {
	m := made{
		Resources: map[string]string{stacktemplate.RoleLogicalID: "AWS::IAM::Role", stacktemplate.PhoneHomeLogicalID: stacktemplate.PhoneHomeType},
		Roles:     []string{d.roleName},
		Parameters: map[string]string{
			stacktemplate.ParameterExternalID: c.Link.ExternalID.String(), stacktemplate.ParameterCustomerName: d.customer,
			stacktemplate.ParameterRoleName: d.roleName, stacktemplate.ParameterShard: "0",
			stacktemplate.ParameterExpectedAccountID: theAccount, stacktemplate.ParameterPreviousExternalID: "",
		},
		Outputs: map[string]string{
			"ExternalId": c.Link.ExternalID.String(), "CustomerName": d.customer,
			"VendorAccountId": sandbox.VendorAccount, "TemplateVersion": stacktemplate.Version(d.spec),
		},
		Typed: map[string]string{}, Reported: d.reported, Each: map[string]madeRole{},
	}
	maps.Copy(m.Resources, d.resources)
	if d.spec.SupportURL != "" {
		m.Outputs["SupportUrl"] = d.spec.SupportURL
	}
	if len(d.spec.TrustedAccountIDs) > 0 {
		m.Outputs["TrustedAccountIds"] = strings.Join(d.spec.TrustedAccountIDs, ",")
	}
	for key, value := range d.typed {
		m.Parameters[permissionset.InputParameter(key)] = value
		if value != "" {
			m.Typed[key] = value
		}
	}
	for _, what := range d.spec.CustomerChooses {
		m.Parameters[stacktemplate.ChosenParameter(what)] = d.chosen[what]
		if d.chosen[what] != "" {
			m.Typed[what] = d.chosen[what]
		}
	}
	m.Each[d.roleName] = c.declaredRole(d, "", m.Resources)
	arn := func(name string) string {
		return "arn:aws:iam::" + theAccount + ":role" + m.Each[d.roleName].Path + name
	}
	m.Outputs["RoleArn"] = arn(d.roleName)
	for _, s := range d.switches {
		if s.when == "" {
			m.Parameters[permissionset.SwitchParameter(s.key)] = s.position()
		}
		if s.on {
			m.Granted = append(m.Granted, s.key)
		}
	}
	for key, one := range d.beside {
		resource := permissionset.AdditionalResource(key)
		m.Resources[resource] = "AWS::IAM::Role"
		m.Roles = append(m.Roles, one.roleName)
		m.Each[one.roleName] = c.declaredRole(one, resource, m.Resources)
		m.Outputs[resource+"Arn"] = arn(one.roleName)
		if m.Beside == nil {
			m.Beside = map[string]string{}
		}
		m.Beside[key] = arn(one.roleName)
	}
	slices.Sort(m.Roles)
	slices.Sort(m.Granted)
	return m
}

// declaredRole returns one role as it should be. It adds the policies that the stack
// creates for it to resources, with names that begin with prefix.
func (c *Customer) declaredRole(d drawn, prefix string, resources map[string]string) madeRole {
	role := d.spec.Role
	m := madeRole{
		Path: c.Link.RolePath, Description: role.Description, Longest: time.Hour, Boundary: role.PermissionsBoundaryARN,
		Tags: map[string]string{}, Inline: map[string]any{},
		Trust: c.tree(d.spec.Policy(d.spec.Vendor, d.spec.Partition).Document(c.Link.ExternalID.String()).String()),
	}
	if role.MaxSessionDuration != 0 {
		m.Longest = time.Duration(role.MaxSessionDuration) * time.Second
	}
	for key, value := range role.Tags {
		m.Tags[key] = value
	}
	if d.spec.Chooses(permissionset.ChoosesBoundary) {
		m.Boundary = d.chosen[permissionset.ChoosesBoundary]
	}
	if d.spec.Chooses(permissionset.ChoosesPath) {
		m.Path = d.chosen[permissionset.ChoosesPath]
	}
	values := d.values()
	m.Boundary = values.Replace(m.Boundary)
	has := func(g permissionset.Grants) {
		for _, arn := range g.ManagedPolicyARNs {
			m.Managed = append(m.Managed, values.Replace(arn))
		}
		for name, text := range g.InlinePolicies {
			m.Inline[name] = c.tree(values.Replace(text))
		}
		for _, text := range g.ManagedPolicies {
			m.Created = append(m.Created, c.statements(c.tree(values.Replace(text)))...)
		}
		created, err := d.spec.Created(g)
		c.Must(err)
		for _, p := range created {
			resources[prefix+p.LogicalID] = "AWS::IAM::ManagedPolicy"
		}
	}
	has(role.Grants())
	for _, s := range d.switches {
		if s.on {
			has(d.spec.OptionalPermissions[s.key].Grants())
		}
	}
	slices.Sort(m.Managed)
	slices.Sort(m.Created)
	return m
}

// values returns a replacer of the references with their values.
func (d drawn) values() *strings.Replacer {
	pairs := []string{permissionset.AccountReference, theAccount, permissionset.PartitionReference, "aws"}
	for key, value := range d.typed {
		pairs = append(pairs, permissionset.ParameterReference(key), value)
	}
	return strings.NewReplacer(pairs...)
}

// made returns what was created, as IAM and CloudFormation report it to the customer.
func (c *Customer) made(stack sandbox.Stack) made {
	c.T.Helper()
	m := made{Resources: map[string]string{}, Roles: c.roles(), Parameters: stack.Parameters, Outputs: stack.Outputs, Each: map[string]madeRole{}}
	for _, r := range stack.Resources {
		m.Resources[r.LogicalID] = r.Type
	}
	slices.Sort(m.Roles)
	for _, name := range m.Roles {
		m.Each[name] = c.madeRole(name)
	}
	return m
}

func (c *Customer) madeRole(named string) madeRole {
	c.T.Helper()
	client, ctx, name := c.iam(), c.T.Context(), &named
	role, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	c.Must(err)
	m := madeRole{
		Path: aws.ToString(role.Role.Path), Description: aws.ToString(role.Role.Description),
		Longest: time.Duration(aws.ToInt32(role.Role.MaxSessionDuration)) * time.Second,
		Tags:    map[string]string{}, Inline: map[string]any{}, Trust: c.escapedTree(role.Role.AssumeRolePolicyDocument),
	}
	if b := role.Role.PermissionsBoundary; b != nil {
		m.Boundary = aws.ToString(b.PermissionsBoundaryArn)
	}
	for _, tag := range role.Role.Tags {
		if !strings.HasPrefix(*tag.Key, "aws:cloudformation:") { // CloudFormation's own
			m.Tags[*tag.Key] = *tag.Value
		}
	}
	attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	c.Must(err)
	for _, p := range attached.AttachedPolicies {
		if !strings.HasPrefix(*p.PolicyArn, managedPrefix) {
			m.Created = append(m.Created, c.statements(c.policy(client, *p.PolicyArn))...)
			continue
		}
		m.Managed = append(m.Managed, *p.PolicyArn)
	}
	slices.Sort(m.Managed)
	slices.Sort(m.Created)
	inline, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name})
	c.Must(err)
	for _, policy := range inline.PolicyNames {
		p, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: &policy})
		c.Must(err)
		m.Inline[policy] = c.escapedTree(p.PolicyDocument)
	}
	return m
}

// policy returns the document of a managed policy's default version.
func (c *Customer) policy(client *iam.Client, arn string) any {
	c.T.Helper()
	p, err := client.GetPolicy(c.T.Context(), &iam.GetPolicyInput{PolicyArn: &arn})
	c.Must(err)
	v, err := client.GetPolicyVersion(c.T.Context(), &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: p.Policy.DefaultVersionId})
	c.Must(err)
	return c.escapedTree(v.PolicyVersion.Document)
}

// statements returns the statements of a document, each as a text.
func (c *Customer) statements(document any) (texts []string) {
	c.T.Helper()
	for _, statement := range document.(map[string]any)["Statement"].([]any) {
		text, err := json.Marshal(statement)
		c.Must(err)
		texts = append(texts, string(text))
	}
	return texts
}

// roles returns all roles of the customer's account.
func (c *Customer) roles() []string {
	c.T.Helper()
	roles, err := c.iam().ListRoles(c.T.Context(), &iam.ListRolesInput{})
	c.Must(err)
	var all []string
	for _, r := range roles.Roles {
		all = append(all, *r.RoleName)
	}
	return all
}

func (c *Customer) iam() *iam.Client {
	c.T.Helper()
	keys, err := c.Credentials(c.Account)
	c.Must(err)
	return iam.New(iam.Options{
		Region: Virginia, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(c.World.Sandbox.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
	})
}

// tree returns a JSON document decoded, with numbers as they were written.
func (c *Customer) tree(text string) any {
	c.T.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	c.Must(d.Decode(&v))
	return v
}

func (c *Customer) escapedTree(text *string) any {
	c.T.Helper()
	document, err := url.PathUnescape(aws.ToString(text))
	c.Must(err)
	return c.tree(document)
}

func asError[E error](err error, as *E) bool { return errors.As(err, as) }
