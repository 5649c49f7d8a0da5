// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"cmp"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"sigs.k8s.io/yaml"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// shape is what one role of the gallery needs in this test, and what is expected of it.
type shape struct {
	parameters map[string]string // stack parameters that the customer sets
	typed      map[string]string // values that the role must show for them
	granted    []string          // optional permissions that are enabled
	role       string            // name of the role; default acme-globex
	path       string            // path of the role; default /
	policies   int               // number of managed policies that the stack creates
	beside     []string          // keys of the additional roles
	reported   map[string]string // parts of the values that the stack reports
	change     [2]string         // a later change of the declaration: old and new text
	prepare    func(*acctest.World)
}

var gallery = map[string]shape{
	"datadog": {
		parameters: map[string]string{"EnableResourceCollection": "Yes"}, granted: []string{"resource_collection"},
		role: "AcmeIntegration", policies: 3, change: [2]string{`"BatchGetTraces", `, ``},
	},
	"wiz": {policies: 4, change: [2]string{`"ec2:CopySnapshot", "ec2:CreateSnapshot"`, `"ec2:CreateSnapshot"`}},
	"prowler": {
		parameters: map[string]string{"InputExportBucket": "globex-findings", "InputBucketOwner": "444444444444"},
		typed:      map[string]string{"export_bucket": "globex-findings", "bucket_owner": "444444444444"}, granted: []string{"export"},
		change: [2]string{`"support:Describe*"`, `"tag:GetTagKeys"`},
		prepare: func(w *acctest.World) {
			w.Role("acme-scan", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`,
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`)
		},
	},
	"vanta": {change: [2]string{`"sso:ListPermissionSets"`, `"sso:ListInstances"`}},
	"spot": {
		parameters: map[string]string{"InputCostBucket": "globex-costs"}, typed: map[string]string{"cost_bucket": "globex-costs"},
		change: [2]string{`"s3:GetObject"`, `"s3:GetObjectVersion"`},
	},
	"cloudhealth": {
		parameters: map[string]string{"InputBillingBucket": "globex-bills", "InputEcsBucket": "globex-ecs"},
		typed:      map[string]string{"billing_bucket": "globex-bills", "ecs_bucket": "globex-ecs"}, granted: []string{"billing", "ecs"},
		change: [2]string{`"ec2:StopInstances"`, `"ec2:RebootInstances"`},
	},
	"cloudzero": {
		reported: map[string]string{"bucket": "acme-exports-222222222222", "queue_url": "-Changes-"},
		change:   [2]string{`"s3:GetObject", `, ``},
	},
	"newrelic": {
		parameters: map[string]string{"PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess", "RolePath": "/third-party/"},
		typed:      map[string]string{"permissions_boundary": "arn:aws:iam::aws:policy/ReadOnlyAccess", "role_path": "/third-party/"},
		path:       "/third-party/", change: [2]string{`"budgets:ViewBudget", `, ``},
	},
	"teleport": {change: [2]string{`, "ssm:GetConnectionStatus"`, ``}},
	"orca":     {policies: 6, beside: []string{"scanner"}, change: [2]string{`"s3:GetObject", `, ``}},
	"vantage":  {path: "/vendors/acme/", change: [2]string{`"savingsplans:Describe*"`, `"savingsplans:List*"`}},
}

// withoutStack is the role of the gallery whose customers launch no stack: see
// TestACustomerOfTheGalleryNeedsNoStack.
const withoutStack = "buildkite"

// Each role of the gallery is planned, rendered, launched, proven, updated and deleted.
// It must grant exactly what was declared.
func TestTheGallerysRolesGrantExactlyWhatTheyDeclare(t *testing.T) {
	t.Parallel()
	folders, err := os.ReadDir("../../examples/gallery")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !folder.IsDir() || folder.Name() == withoutStack {
			continue
		}
		t.Run(folder.Name(), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("../../examples/gallery", folder.Name(), "main.tf"))
			if err != nil {
				t.Fatal(err)
			}
			shape, there := gallery[folder.Name()]
			if !there || !strings.Contains(string(text), shape.change[0]) {
				t.Fatalf("the table gallery has no row for %s, or the text of its change is not in the example", folder.Name())
			}
			shape.goThrough(t, string(text))
		})
	}
}

// Both tables of the gallery's pages have exactly one row for each of its folders.
func TestTheGallerysTablesAreComplete(t *testing.T) {
	folders := []string{withoutStack}
	for name := range gallery {
		folders = append(folders, name)
	}
	slices.Sort(folders)
	for _, page := range []string{"../../examples/gallery/README.md", "../../templates/guides/vendor-roles.md.tmpl"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|").FindAllStringSubmatch(string(text), -1) {
			rows = append(rows, row[1])
		}
		slices.Sort(rows)
		if diff := gocmp.Diff(folders, rows); diff != "" {
			t.Errorf("%s does not list the gallery (-): %s", page, diff)
		}
	}
}

func (s shape) goThrough(t *testing.T, text string) {
	w := acctest.Start(t)
	if s.prepare != nil {
		s.prepare(w)
	}
	config := w.Provider() + text + roleHCL(globex, waits)
	role := "arn:aws:iam::" + globex.account + ":role" + cmp.Or(s.path, "/") + cmp.Or(s.role, "acme-globex")
	changed := strings.Replace(config, s.change[0], s.change[1], 1)
	typed := map[string]knownvalue.Check{}
	for key, value := range s.typed {
		typed[key] = is(value)
	}
	beside := map[string]knownvalue.Check{}
	for _, key := range s.beside {
		beside[key] = is(role + "-" + key)
	}
	reported := map[string]knownvalue.Check{}
	for key, text := range s.reported {
		reported[key] = like(regexp.QuoteMeta(text))
	}
	var launched func() sandbox.Stack
	var stack sandbox.Stack
	live := func(outdated bool, more ...statecheck.StateCheck) []statecheck.StateCheck {
		return append([]statecheck.StateCheck{
			value(roleGlobex, "status", is("active")), value(roleGlobex, "role_arn", is(role)), value(roleGlobex, "outdated", knownvalue.Bool(outdated)),
			value(roleGlobex, "granted_permissions", names(s.granted...)), value(roleGlobex, "parameters", knownvalue.MapExact(typed)),
			value(roleGlobex, "additional_role_arns", knownvalue.MapExact(beside)), value(roleGlobex, "reported", knownvalue.MapExact(reported)),
		}, more...)
	}
	run(t,
		resource.TestStep{
			PreConfig: func() {
				launched = w.LaunchWith("acme", "globex", globex.account, "CREATE_COMPLETE", sandbox.LaunchOptions{Parameters: s.parameters})
			},
			Config:            config,
			ConfigStateChecks: live(false, after(func() { stack = launched(); s.exactly(t, w); lintTemplate(t, w) })),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{Config: changed, ConfigStateChecks: live(true)},
		resource.TestStep{
			PreConfig: func() { update(t, w, stack.ID, "globex") },
			Config:    changed, ConfigPlanChecks: emptyPlan(), ConfigStateChecks: live(false, after(func() { s.exactly(t, w) })),
		},
		resource.TestStep{
			PreConfig:         func() { defer w.Registrar("acme")(); w.Leave(stack.ID) },
			Config:            changed,
			ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "status", is("disconnected"))},
		},
	)
}

// exactly compares the policies of the stack's roles with the declaration in the
// registry.
func (s shape) exactly(t *testing.T, w *acctest.World) {
	t.Helper()
	found, err := w.Registry("acme").Customer(t.Context(), "globex")
	if err != nil {
		t.Fatal(err)
	}
	declared, err := declaration.Of(found.Link)
	if err != nil {
		t.Fatal(err)
	}
	set := declared.Set()
	pairs := []string{permissionset.AccountReference, globex.account, permissionset.PartitionReference, "aws"}
	for key, p := range set.CustomerParameters {
		given := s.parameters[permissionset.InputParameter(key)]
		if given == "" && p.Default != nil {
			given = *p.Default
		}
		pairs = append(pairs, permissionset.ParameterReference(key), given)
	}
	values := strings.NewReplacer(pairs...)
	all := []permissionset.Grants{set.Role.Grants()}
	for key, permission := range set.OptionalPermissions {
		if slices.Contains(s.granted, key) {
			all = append(all, permission.Grants())
		}
	}
	if created := exactly(t, w, set, declared.Role.Name, values, all); created != s.policies || s.role != "" && declared.Role.Name != s.role {
		t.Errorf("the stack creates %d policies for role %s", created, declared.Role.Name)
	}
	for _, key := range s.beside {
		exactly(t, w, set, permissionset.AdditionalRoleName(declared.Role.Name, key), values, []permissionset.Grants{set.Additional(key).Role.Grants()})
	}
	if keys := set.AdditionalKeys(); !slices.Equal(keys, s.beside) {
		t.Errorf("the additional roles are %v", keys)
	}
}

// exactly compares the policies of one role with its declaration, and returns the number
// of policies that the stack creates for it.
func exactly(t *testing.T, w *acctest.World, set permissionset.Set, role string, values *strings.Replacer, all []permissionset.Grants) int {
	t.Helper()
	var arns, statements []string
	created := 0
	for _, g := range all {
		for _, arn := range g.ManagedPolicyARNs {
			arns = append(arns, values.Replace(arn))
		}
		for _, policies := range []permissionset.Policies{g.InlinePolicies, g.ManagedPolicies} {
			for _, text := range policies {
				statements = append(statements, acctest.Statements(t, values.Replace(text))...)
			}
		}
		parts, err := set.Created(g)
		if err != nil {
			t.Fatal(err)
		}
		created += len(parts)
	}
	slices.Sort(arns)
	slices.Sort(statements)
	gotARNs, got := w.Granted(globex.account, role)
	if diff := gocmp.Diff(arns, gotARNs); diff != "" {
		t.Errorf("the managed policies of %s are not those that were declared (-): %s", role, diff)
	}
	if diff := gocmp.Diff(statements, got); diff != "" {
		t.Errorf("the statements of %s are not those that were declared (-): %s", role, diff)
	}
	return created
}

// lintTemplate checks the customer's template with cfn-lint, as JSON and as YAML, if
// XACCT_CFN_LINT is set.
func lintTemplate(t *testing.T, w *acctest.World) {
	t.Helper()
	if os.Getenv("XACCT_CFN_LINT") != "1" {
		return
	}
	found, err := w.Registry("acme").Customer(t.Context(), "globex")
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(found.Link.TemplateURL)
	if err != nil {
		t.Fatal(err)
	}
	bucket, _, _ := strings.Cut(address.Host, ".")
	object, err := w.Clients.S3().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: new(strings.TrimPrefix(address.Path, "/"))})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.JSONToYAML(body)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	files := []string{filepath.Join(folder, "template.json"), filepath.Join(folder, "template.yaml")}
	for i, content := range [][]byte{body, text} {
		if err := os.WriteFile(files[i], content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("cfn-lint", append([]string{"--regions", acctest.Region, "--"}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}
