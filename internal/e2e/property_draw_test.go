// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// drawn is a random specification, with texts that have a meaning in one of the
// formats that they pass through, and with permissions whose effect the test knows
// without parsing a policy.
type drawn struct {
	spec     stacktemplate.Specification
	customer string // the vendor's name for the customer
	roleName string
	grants   []grant
	managed  []string // names of managed policies
	boundary string   // name of a managed policy; empty: none
	switches []switched
	typed    map[string]string // values that the customer enters, by key; may be empty
	chosen   map[string]string // values that the customer chooses instead of the vendor
	beside   map[string]drawn  // additional roles, each as if it were the only one

	resources   map[string]string // types of the stack's resources other than roles, by logical ID
	reported    map[string]string // values that the stack reports about them
	displayName string            // display name of its topic; empty: none
	queuePolicy string            // policy of its queue, with values instead of references; empty: none
}

// switched is an optional permission, with the customer's value of its parameter.
type switched struct {
	key     string
	touched bool // the customer changed its default
	on      bool
	when    string // the parameter that it depends on instead of a switch
}

func (s switched) position() string {
	if s.on {
		return permissionset.SwitchedOn
	}
	return permissionset.SwitchedOff
}

// Every role is tested with each of these actions on each of these resources.
var (
	askedActions = []string{
		"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:ListBucket", "sqs:SendMessage", "sqs:GetQueueUrl", "sns:Publish",
		"dynamodb:GetItem", "dynamodb:Query", "iam:GetRole", "iam:ListRoles", "logs:GetLogEvents", "ec2:DescribeInstances", "kms:Decrypt",
	}
	askedResources = []string{
		"arn:aws:s3:::acme-data", "arn:aws:s3:::acme-data/2026/a.csv", "arn:aws:s3:::acme-data/2026/b.csv", "arn:aws:s3:::acme-datastore/a",
		"arn:aws:sqs:eu-central-1:" + theAccount + ":jobs", "arn:aws:sqs:us-east-1:" + theAccount + ":jobs",
		"arn:aws:dynamodb:eu-central-1:" + theAccount + ":table/orders", "arn:aws:iam::" + theAccount + ":role/somebody",
		"arn:aws:logs:eu-central-1:" + theAccount + ":log-group:/acme:log-stream:1",
		// The results of hostile texts if they were evaluated as functions.
		hostileBucket + theAccount, hostileBucket + Frankfurt, hostileBucket + "arn:aws:iam::" + theAccount + ":role/acme", hostileBucket + "admin",
	}
)

const (
	theAccount    = "200000000001"
	hostileBucket = "arn:aws:s3:::hostile/"
	typedBucket   = "arn:aws:s3:::typed/"
)

// evil has texts with a meaning in CloudFormation, goformation, our own renderer,
// JSON, YAML or HTML.
var evil = []string{
	"${AWS::AccountId}", "${AWS::Region}", "${!Literal}", "${aws:username}", "${Role.Arn}", `{"Ref":"AWS::AccountId"}`, `{"Fn::GetAtt":["Role","Arn"]}`,
	asFunction(`{"Ref":"AWS::AccountId"}`), asFunction(`{"Fn::GetAtt":["Role","Arn"]}`), asFunction(`{"Fn::Sub":"${AWS::Region}"}`),
	"xacct-hole-0", "xacct-hole-7", "Fn::Sub", "Ref", "AWS::NoValue", "!Ref Role", "!Sub '${AWS::Region}'", "{{x}}",
	`"}},"Evil":{"Type":"AWS::IAM::User"},"X":{"Y":{"Z":"`, "yes", "null", "~", "0123", "1e3", "2012-10-17", "- a", "a: b", "# c", "'", `"`, `\`, `\u0000`,
	"<script>alert(1)</script>", "a&b", "%7B", "|", ">", "---", " x ", "Müller & Söhne", "ÿ",
}

// words are such texts with only letters, digits and _+=,.@-.
var words = []string{
	asFunction(`{"Ref":"A"}`), asFunction(`{"Fn::Sub":"x"}`), "Ref", "xacct-hole-0", "xacct-hole-3", "true", "null", "0123", "1e3", "2012-10-17", "=", "Role", "PhoneHome",
}

// asFunction returns goformation's encoding of a function in a string.
func asFunction(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func drawSpecification(r *rapid.T, w *World, number int) drawn {
	pick := func(label string, from []string) string { return rapid.SampledFrom(from).Draw(r, label) }
	perhaps := func(label string, text string) string { return pick(label+"?", []string{"", text}) }
	d := drawn{
		customer: fmt.Sprintf("%s-%d", pick("customer", []string{"globex", "Ref", "null", "true", "xacct-hole-0", "AWS.AccountId", "0123", "1e3"}), number),
		roleName: fmt.Sprintf("%s-%d", pick("role's name", words), number),
	}
	d.spec = w.Specification(permissionset.Role{
		Path:               pick("path", []string{"", "/", "/vendors/acme/", "/${AWS::Region}/", `/{"Ref":"AWS::Region"}/`, "/!Ref/"}),
		Description:        perhaps("description", pick("description", evil)+pick("description's end", []string{"", "\nand more", "\tand more", " «so» "})),
		MaxSessionDuration: rapid.SampledFrom([]int64{0, 3600, 5400, 43200}).Draw(r, "longest session"),
		Tags:               map[string]string{},
	})
	d.spec.DisplayName = pick("display name", append([]string{"株式会社アクメ", "Acme"}, evil...))
	d.spec.SupportURL = pick("support", []string{"", "https://acme.example/${AWS::AccountId}?{{x}}&b='\"", "mailto:help@acme.example?subject=%7B%22Ref%22%7D"})
	for i := range rapid.IntRange(0, 3).Draw(r, "tags") {
		d.spec.Role.Tags[fmt.Sprintf("%s%d", pick("tag's key", words), i)] = pick("tag's value", []string{"", "true", "null", "0123", asFunction(`{"Ref":"A"}`), "xacct-hole-2", "Fn::Sub", "größe / 株式"})
	}
	d.drawParameters(r)
	some := manyOrNone(r)
	d.spec.Role.ManagedPolicyARNs = some()
	d.spec.Role.InlinePolicies = d.inlinePolicies(r, "always", true, "")
	d.spec.Role.ManagedPolicies = d.managedPolicies(r, "always", true, "")
	d.attach(d.spec.Role.ManagedPolicyARNs)
	if d.boundary = pick("boundary", []string{"", "", "", "AmazonS3ReadOnlyAccess", "CloudWatchReadOnlyAccess"}); d.boundary != "" {
		d.spec.Role.PermissionsBoundaryARN = managedARN(r, d.boundary)
	}
	d.drawSwitches(r, some)
	d.drawChoices(r)
	d.spec.Trust = drawTrust(r)
	d.drawAdditional(r)
	d.drawResources(r)
	return d
}

// otherAccounts are accounts of the vendor beside the hub's.
var otherAccounts = []string{AccountID(801), AccountID(802)}

// drawTrust draws which principals besides the hub's account may assume a role: all
// of another account, or one role of it.
func drawTrust(r *rapid.T) (t permissionset.Trust) {
	t.AllowSessionTags, t.AllowSourceIdentity = rapid.Bool().Draw(r, "session tags"), rapid.Bool().Draw(r, "source identity")
	for _, id := range otherAccounts {
		switch rapid.SampledFrom([]string{"no", "no", "all", "one role"}).Draw(r, "trusts "+id) {
		case "all":
			t.TrustedAccountIDs = append(t.TrustedAccountIDs, id)
		case "one role":
			t.TrustedAccountIDs = append(t.TrustedAccountIDs, id)
			t.TrustedPrincipals = append(t.TrustedPrincipals, "arn:aws:iam::"+id+":role/Scanner")
		}
	}
	return t
}

// drawAdditional draws up to two additional roles.
func (d *drawn) drawAdditional(r *rapid.T) {
	keys := rapid.SampledFrom([]string{"scanner", "ref", "fn_sub", "role"})
	for _, key := range rapid.SliceOfNDistinct(keys, 0, 2, rapid.ID[string]).Draw(r, "additional roles") {
		one := drawn{spec: d.spec, customer: d.customer, roleName: permissionset.AdditionalRoleName(d.roleName, key), typed: d.typed, chosen: d.chosen}
		a := permissionset.AdditionalRole{
			Description:       rapid.SampledFrom([]string{"", "${AWS::AccountId}", "it's «so»"}).Draw(r, "description"),
			ManagedPolicyARNs: manyOrNone(r)(), InlinePolicies: one.inlinePolicies(r, key, true, ""), ManagedPolicies: one.managedPolicies(r, key, true, ""),
			MaxSessionDuration: rapid.SampledFrom([]int64{0, 7200}).Draw(r, "longest session"), Trust: drawTrust(r),
		}
		if len(a.ManagedPolicyARNs)+len(a.InlinePolicies)+len(a.ManagedPolicies) == 0 {
			a.ManagedPolicyARNs = []string{managedPrefix + "AmazonS3ReadOnlyAccess"}
		}
		one.attach(a.ManagedPolicyARNs)
		if d.spec.Chooses(permissionset.ChoosesBoundary) {
			one.boundary = d.boundary
		} else if one.boundary = rapid.SampledFrom([]string{"", "AmazonS3ReadOnlyAccess"}).Draw(r, "boundary"); one.boundary != "" {
			a.PermissionsBoundaryARN = managedARN(r, one.boundary)
		}
		if d.beside == nil {
			d.beside, d.spec.AdditionalRoles = map[string]drawn{}, map[string]permissionset.AdditionalRole{}
		}
		d.spec.AdditionalRoles[key], d.beside[key] = a, one
	}
	for key, one := range d.beside { // built here, independently of the tested code
		a := d.spec.AdditionalRoles[key]
		one.spec.Set = permissionset.Set{Trust: a.Trust, Choices: d.spec.Choices, Role: permissionset.Role{
			Description: a.Description, ManagedPolicyARNs: a.ManagedPolicyARNs, InlinePolicies: a.InlinePolicies, ManagedPolicies: a.ManagedPolicies,
			PermissionsBoundaryARN: a.PermissionsBoundaryARN, MaxSessionDuration: a.MaxSessionDuration,
		}}
		d.beside[key] = one
	}
}

// manyOrNone returns a function that draws managed policies, each only once: a policy
// is attached in one place.
func manyOrNone(r *rapid.T) func() []string {
	left := rapid.Permutation(managedNames).Draw(r, "managed policies")
	return func() (arns []string) {
		n := rapid.IntRange(0, min(2, len(left))).Draw(r, "how many of them")
		for _, name := range left[:n] {
			arns = append(arns, managedARN(r, name))
		}
		left = left[n:]
		return arns
	}
}

// managedARN returns the ARN of an AWS managed policy: literal, or with a reference
// to the customer's partition.
func managedARN(r *rapid.T, name string) string {
	return rapid.SampledFrom([]string{managedPrefix, referringPrefix}).Draw(r, "ARN") + name
}

// drawParameters draws up to three values that the customer enters, some of which may
// be empty.
func (d *drawn) drawParameters(r *rapid.T) {
	d.typed = map[string]string{}
	d.spec.CustomerParameters = map[string]permissionset.CustomerParameter{}
	keys := rapid.SampledFrom([]string{"bucket", "ref", "fn_sub", "a__b_"})
	for _, key := range rapid.SliceOfNDistinct(keys, 0, 3, rapid.ID[string]).Draw(r, "parameters") {
		text := rapid.SampledFrom([]string{"Ref", "true", "null", "0123", "1e3", "2012-10-17", "xacct-hole-0", "../a", "Fn--Sub", "yes"})
		p := permissionset.CustomerParameter{Description: "Type " + rapid.SampledFrom(evil).Draw(r, "parameter's text"), MaxLength: 20}
		d.typed[key] = text.Draw(r, "typed")
		switch rapid.SampledFrom([]string{"required", "default", "optional", "left empty", "choice", "pattern"}).Draw(r, "parameter's form") {
		case "default":
			p.Default = new(text.Draw(r, "default"))
		case "optional":
			p.Default = new("")
		case "left empty":
			p.Default, d.typed[key] = new(""), ""
		case "choice":
			p.AllowedValues, p.MaxLength = []string{d.typed[key], "other"}, 0
		case "pattern":
			p.AllowedPattern, p.MinLength = "[A-Za-z0-9/][A-Za-z0-9./-]+|\\.\\./[a-z]", 2
		}
		d.spec.CustomerParameters[key] = p
	}
}

// drawChoices draws the values that the customer chooses instead of the vendor, if
// the vendor allows it.
func (d *drawn) drawChoices(r *rapid.T) {
	d.chosen = map[string]string{}
	if rapid.Bool().Draw(r, "chooses a boundary") {
		d.spec.CustomerChooses = append(d.spec.CustomerChooses, permissionset.ChoosesBoundary)
		d.spec.Role.PermissionsBoundaryARN = strings.Replace(d.spec.Role.PermissionsBoundaryARN, referringPrefix, managedPrefix, 1) // a default has no references
		if d.boundary = rapid.SampledFrom([]string{"", "AmazonS3ReadOnlyAccess", "CloudWatchReadOnlyAccess"}).Draw(r, "boundary"); d.boundary != "" {
			d.chosen[permissionset.ChoosesBoundary] = managedPrefix + d.boundary
		}
	}
	if path := d.spec.Role.Path; rapid.Bool().Draw(r, "chooses a path") && !strings.ContainsAny(path, "${!") {
		d.spec.CustomerChooses = append(d.spec.CustomerChooses, permissionset.ChoosesPath)
		d.chosen[permissionset.ChoosesPath] = rapid.SampledFrom([]string{"/", "/Ref/", "/Fn--Sub/x.y/"}).Draw(r, "path")
	}
}

// referable returns the parameters that a policy may refer to: the required ones, and
// given if the policy exists only while given has a value.
func (d *drawn) referable(given string) (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(d.typed)) {
		if p := d.spec.CustomerParameters[key]; !p.Optional() || key == given {
			keys = append(keys, key)
		}
	}
	return keys
}

func (d *drawn) drawSwitches(r *rapid.T, managed func() []string) {
	d.spec.OptionalPermissions = map[string]permissionset.OptionalPermission{}
	keys := rapid.SampledFrom([]string{"billing", "ref", "fn_sub", "role", "a__b_"})
	for _, key := range rapid.SliceOfNDistinct(keys, 0, 3, rapid.ID[string]).Draw(r, "switches") {
		s := switched{key: key, touched: rapid.Bool().Draw(r, "the customer turns it"), on: rapid.Bool().Draw(r, "it is on")}
		for _, parameter := range slices.Sorted(maps.Keys(d.typed)) {
			if d.spec.CustomerParameters[parameter].Optional() && rapid.Bool().Draw(r, "by a parameter") {
				s.when, s.touched, s.on = parameter, false, d.typed[parameter] != ""
			}
		}
		o := permissionset.OptionalPermission{
			Description:    "Acme may " + rapid.SampledFrom(evil).Draw(r, "switch's text"),
			DefaultEnabled: s.on != s.touched && s.when == "", WhenParameter: s.when,
			ManagedPolicyARNs: managed(), InlinePolicies: d.inlinePolicies(r, key, s.on, s.when),
			ManagedPolicies: d.managedPolicies(r, key, s.on, s.when),
		}
		if o.Grants().IsEmpty() {
			continue // a permission that grants nothing is refused
		}
		if s.on {
			d.attach(o.ManagedPolicyARNs)
		}
		d.switches = append(d.switches, s)
		d.spec.OptionalPermissions[key] = o
	}
}

func (d *drawn) attach(arns []string) {
	for _, arn := range arns {
		d.managed = append(d.managed, strings.TrimPrefix(strings.TrimPrefix(arn, managedPrefix), referringPrefix))
	}
}

// inlinePolicies draws the inline policies of the role or of an optional permission.
// If on is false, they allow nothing.
func (d *drawn) inlinePolicies(r *rapid.T, of string, on bool, given string) permissionset.Policies {
	policies := permissionset.Policies{}
	for i := range rapid.IntRange(0, 3).Draw(r, "inline policies") {
		version := rapid.SampledFrom([]string{"2012-10-17", "2008-10-17"}).Draw(r, "version")
		name := fmt.Sprintf("%s-%s-%d", rapid.SampledFrom(words).Draw(r, "policy's name"), of, i)
		policies[name] = document(r, version, d.statements(r, version, on, given))
	}
	if len(policies) == 0 {
		return nil
	}
	return policies
}

// managedPolicies draws at most one managed policy that the stack creates. The one of
// the role may be too long for a single policy. Together with managedNames there are
// at most ten, the limit of the customer's account.
func (d *drawn) managedPolicies(r *rapid.T, of string, on bool, given string) permissionset.Policies {
	if !rapid.Bool().Draw(r, "a created policy") {
		return nil
	}
	statements := d.statements(r, "2012-10-17", on, given)
	if of == "always" {
		for n := range rapid.SampledFrom([]int{0, 30}).Draw(r, "statements about nothing") {
			long := fmt.Sprintf("arn:aws:s3:::nothing/%d/%s", n, strings.Repeat("x", 150))
			statements = append(statements, map[string]any{"Effect": "Allow", "Action": "s3:GetObjectTagging", "Resource": long})
		}
	}
	return permissionset.Policies{"created-by-" + of: document(r, "2012-10-17", statements)}
}

// statements draws one to three statements. If on is false, they allow nothing.
func (d *drawn) statements(r *rapid.T, version string, on bool, given string) (statements []any) {
	for n := range rapid.IntRange(1, 3).Draw(r, "statements") {
		g := drawGrant(r, version)
		if keys := d.referable(given); len(keys) > 0 && rapid.Bool().Draw(r, "about what is typed in") {
			g.drawTypedResource(r, rapid.SampledFrom(keys).Draw(r, "reference"), d.typed)
		}
		g.holds = g.holds && on
		if rapid.Bool().Draw(r, "Sid?") {
			g.statement["Sid"] = fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"Ref", "FnSub", "AWSNoValue", "Role", "true"}).Draw(r, "Sid"), n)
		}
		statements = append(statements, g.statement)
		d.grants = append(d.grants, g)
	}
	return statements
}

func document(r *rapid.T, version string, statements []any) string {
	text, err := json.MarshalIndent(map[string]any{"Version": version, "Statement": statements}, "", rapid.SampledFrom([]string{"", "\t"}).Draw(r, "indentation"))
	if err != nil {
		panic(err) // texts and lists
	}
	return string(text)
}

// allows returns what the declaration allows, computed by the test itself.
func (d drawn) allows(action, resource string) bool {
	allowed, denied := false, false
	for _, g := range d.grants {
		if g.about(action, resource) {
			allowed, denied = allowed || !g.deny, denied || g.deny
		}
	}
	for _, name := range d.managed {
		allowed, denied = allowed || inManaged(name, action), denied || name == "AWSDenyAll"
	}
	return allowed && !denied && (d.boundary == "" || inManaged(d.boundary, action))
}

// asked returns the resources that a role of this declaration is tested with.
func (d drawn) asked() []string {
	resources := slices.Clone(askedResources)
	for _, g := range d.grants {
		if g.names != "" && !slices.Contains(resources, g.names) {
			resources = append(resources, g.names)
		}
	}
	for _, value := range d.typed {
		resources = append(resources, typedBucket+value, typedBucket+value+"/"+theAccount)
	}
	return resources
}

const (
	managedPrefix   = "arn:aws:iam::aws:policy/"
	referringPrefix = "arn:" + permissionset.PartitionReference + ":iam::aws:policy/"
)

// managedNames are AWS managed policies of the sandbox; the map has the prefixes of
// the actions that they allow on every resource.
var (
	managedNames   = []string{"AmazonS3ReadOnlyAccess", "AmazonSQSReadOnlyAccess", "CloudWatchReadOnlyAccess", "AmazonSNSFullAccess", "AWSDenyAll"}
	managedActions = map[string][]string{
		"AmazonS3ReadOnlyAccess":   {"s3:Get", "s3:List", "s3:Describe"},
		"AmazonSQSReadOnlyAccess":  {"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:List"},
		"CloudWatchReadOnlyAccess": {"cloudwatch:Get", "cloudwatch:List", "cloudwatch:Describe", "logs:Get", "logs:List", "logs:Describe"},
		"AmazonSNSFullAccess":      {"sns:"},
	}
)

func inManaged(name, action string) bool {
	return slices.ContainsFunc(managedActions[name], func(beginning string) bool { return strings.HasPrefix(action, beginning) })
}
