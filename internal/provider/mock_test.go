// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/provider"
	"github.com/xacct/terraform-provider-xacct/internal/trial/steps"
)

// testingExample is the folder of the example that shows how users test their
// configurations.
const testingExample = "../../examples/testing"

const mockFile = testingExample + "/mocks/xacct.tfmock.hcl"

// mocked is added to the example's module, so that every resource and data source is in
// it.
const mocked = `
resource "xacct_permission_set" "readonly" {
  hub                 = xacct_hub.this.id
  name                = "readonly"
  managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
}

resource "xacct_fleet" "main" {
  hub            = xacct_hub.this.id
  name           = "main"
  permission_set = xacct_permission_set.readonly.id
  customers      = { initech = "333333333333" }
}

resource "xacct_onboarding_link" "umbrella" {
  hub            = data.xacct_hub.this.id
  customer_id    = "umbrella"
  account_id     = xacct_customer_role.globex.account_id
  external_id    = xacct_onboarding_link.globex.external_id
  permission_set = data.xacct_permission_set.readonly.id
  region         = one(xacct_hub.this.regions)
  stack_name     = xacct_onboarding_link.globex.stack_name
}

resource "xacct_customer_role" "umbrella" {
  link = xacct_onboarding_link.umbrella.id
}

data "xacct_hub" "this" { name = xacct_hub.this.name }

data "xacct_permission_set" "readonly" {
  hub  = xacct_permission_set.readonly.hub
  name = "readonly"
}

data "xacct_customer_role" "umbrella" {
  hub         = xacct_hub.this.id
  customer_id = xacct_onboarding_link.umbrella.customer_id
}

data "xacct_customer_roles" "all" { hub = xacct_hub.this.id }

data "xacct_stack_template" "one" {
  hub  = xacct_hub.this.id
  role = {}
}

# Trusted principals, and ARNs in policies, must be valid ARNs in the mock too.
resource "xacct_permission_set" "of_others" {
  hub                    = xacct_hub.this.id
  name                   = "of-others"
  inline_policies        = { queue = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sqs:SendMessage", Resource = xacct_hub.this.queue_arn }] }) }
  trusted_principal_arns = [data.xacct_customer_role.umbrella.role_arn]
}
`

// The example's tests run with any engine, over a module that uses every resource and
// data source.
func TestAModuleIsTestedWithTheShippedMock(t *testing.T) {
	t.Parallel()
	in := mockedModule(t)
	if told, err := in.Run(t.Context(), "test", "-no-color"); err != nil || !strings.Contains(told, "2 passed, 0 failed") {
		t.Errorf("%s\n%v", told, err)
	}
}

// Without the mock's default values the module can't be tested: this is why a mock is
// shipped.
func TestABareMockFails(t *testing.T) {
	t.Parallel()
	in := mockedModule(t)
	bare := "mock_provider \"xacct\" {}\n\nrun \"all\" {}\n"
	for _, kind := range []string{"tftest", "tofutest"} {
		if err := in.Write("tests/mocked."+kind+".hcl", bare); err != nil {
			t.Fatal(err)
		}
	}
	if told, err := in.Run(t.Context(), "test", "-no-color"); err == nil {
		t.Errorf("the tests pass without the mock's defaults: %s", told)
	}
}

// mockedModule returns a folder with the module, the mock and the tests.
func mockedModule(t *testing.T) *steps.Folder {
	t.Helper()
	in := steps.OpenFolder(t, acctest.Engine(t), factories())
	for _, name := range []string{"main.tf", "mocks/xacct.tfmock.hcl", "tests/mocked.tftest.hcl", "tests/mocked.tofutest.hcl"} {
		text, err := os.ReadFile(filepath.Join(testingExample, name))
		if err != nil {
			t.Fatal(err)
		}
		here := strings.Replace(string(text), `"xacct/xacct"`, `"hashicorp/xacct"`, 1)
		if err := in.Write(name, here); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Write("more.tf", mocked); err != nil {
		t.Fatal(err)
	}
	return in
}

// The mock must have a block for each resource and data source, with computed attributes
// only.
func TestTheMockMatchesTheProvidersSchemas(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(mockFile)
	if err != nil {
		t.Fatal(err)
	}
	parsed, found := hclsyntax.ParseConfig(file, mockFile, hcl.InitialPos)
	if found.HasErrors() {
		t.Fatal(found)
	}
	missing := served(t)
	for _, b := range parsed.Body.(*hclsyntax.Body).Blocks {
		of := b.Type + " " + b.Labels[0]
		s := missing[of]
		if s == nil {
			t.Errorf("the mock has two blocks for %s, or the provider has no such type", of)
			continue
		}
		delete(missing, of)
		computed := map[string]bool{}
		for _, a := range s.Block.Attributes {
			computed[a.Name] = a.Computed
		}
		defaults, found := hcl.ExprMap(b.Body.Attributes["defaults"].Expr)
		if found.HasErrors() {
			t.Fatal(found)
		}
		for _, pair := range defaults {
			if name := hcl.ExprAsKeyword(pair.Key); !computed[name] {
				t.Errorf("%s: %s is not a computed attribute", of, name)
			}
		}
	}
	for of := range missing {
		t.Errorf("the mock has no block for %s", of)
	}
}

// served returns the provider's schemas of resources and data sources, by the words of
// their block in a mock.
func served(t *testing.T) map[string]*tfprotov6.Schema {
	t.Helper()
	server, err := providerserver.NewProtocol6WithError(provider.New("test")())()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*tfprotov6.Schema{}
	for typ, s := range schemas.ResourceSchemas {
		all["mock_resource "+typ] = s
	}
	for typ, s := range schemas.DataSourceSchemas {
		all["mock_data "+typ] = s
	}
	return all
}

// OpenTofu has no mock files, so its tests contain the mock. The two texts must be equal,
// except for white space, and for optional attributes, which OpenTofu refuses to mock.
func TestTheMockForOpenTofuEqualsTheMockFile(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, name := range []string{"mocks/xacct.tfmock.hcl", "tests/mocked.tftest.hcl", "tests/mocked.tofutest.hcl"} {
		text, err := os.ReadFile(filepath.Join(testingExample, name))
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	schemas := served(t)
	_, mock, _ := strings.Cut(texts["mocks/xacct.tfmock.hcl"], "\n\nmock_resource")
	var within strings.Builder
	var of *tfprotov6.Schema
	for line := range strings.Lines("mock_resource" + mock) {
		words := strings.Fields(line)
		if strings.HasPrefix(line, "mock_") {
			of = schemas[words[0]+" "+strings.Trim(words[1], `"`)]
		}
		if len(words) < 3 || words[1] != "=" || !slices.ContainsFunc(of.Block.Attributes, func(a *tfprotov6.SchemaAttribute) bool { return a.Name == words[0] && a.Optional }) {
			within.WriteString(line)
		}
	}
	_, tests, _ := strings.Cut(texts["tests/mocked.tftest.hcl"], "mock_provider")
	_, got, _ := strings.Cut(texts["tests/mocked.tofutest.hcl"], "mock_provider")
	want := strings.Replace(tests, "  source = \"./mocks\"\n", within.String(), 1)
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(got)); diff != "" {
		t.Errorf("tests/mocked.tofutest.hcl is not tests/mocked.tftest.hcl with the mock written out (-want +got):\n%s", diff)
	}
}
