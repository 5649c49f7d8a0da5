// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package generate

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
)

var update = flag.Bool("update", false, "rewrite the golden files and the published schema")

// specifications returns the published example, and a specification for each other form of the files.
func specifications(t *testing.T) map[string]string {
	t.Helper()
	example, err := os.ReadFile("../../examples/generate/specification.yaml")
	if err != nil {
		t.Fatal(err)
	}
	minimal := func(region string) string {
		return `{"hub": {"name": "acme", "vendor_account_id": "111111111111", "region": "` + region + `"},
			"role": {}, "customer": {"id": "globex", "external_id": "0123456789abcdef"}}`
	}
	return map[string]string{
		"example":  string(example),
		"minimal":  minimal("us-east-1"),
		"govcloud": minimal("us-gov-west-1"),
		"china":    minimal("cn-north-1"),
		// The hub's own Region has no topic.
		"elsewhere": strings.NewReplacer(`"region"`, `"regions": ["us-east-1"], "region"`, `"id": "globex"`, `"id": "globex", "region": "us-east-1"`).
			Replace(minimal("eu-west-1")),
		"trusted": strings.Replace(minimal("us-east-1"), `"role"`, `"trusted_principal_arns": ["arn:aws:iam::111111111111:role/proof"], "role"`, 1),
		"resources": strings.Replace(minimal("us-east-1"), `"role"`, `"template_resources": {"Exports": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain",
			"Properties": {"BucketName": "acme-{{xacct:account_id}}"}}}, "template_outputs": {"bucket": {"Ref": "Exports"}}, "role"`, 1),
	}
}

func generateAll(t *testing.T, text string) []File {
	t.Helper()
	g, err := Read("specification", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var files []File
	for _, kind := range Kinds {
		made, err := kind.Files(g)
		if err != nil {
			t.Fatalf("%s: %v", kind.Name, err)
		}
		files = append(files, made...)
	}
	return files
}

func TestTheFilesEqualTheGoldenFiles(t *testing.T) {
	all := specifications(t)
	for name, text := range all {
		t.Run(name, func(t *testing.T) {
			for _, file := range generateAll(t, text) {
				if name != "example" && filepath.Ext(file.Name) != ".json" {
					continue // one specification is enough for the other formats
				}
				golden(t, filepath.Join("testdata", name, filepath.FromSlash(file.Name)), file.Body)
			}
		})
	}
}

func TestThePublishedSchemaIsUpToDate(t *testing.T) {
	golden(t, "../../schema/specification.schema.json", Schema())
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run the test with -update)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

func TestTheModuleIsValidHCL(t *testing.T) {
	all := specifications(t)
	for name, text := range all {
		parser := hclparse.NewParser()
		for _, file := range generateAll(t, text) {
			if filepath.Ext(file.Name) != ".tf" {
				continue
			}
			parsed, diags := parser.ParseHCL(file.Body, file.Name)
			if diags.HasErrors() {
				t.Errorf("%s: %v", name, diags)
			}
			if file.Name != "module/main.tf" {
				continue
			}
			content, _, diags := parsed.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "resource", LabelNames: []string{"type", "name"}}}})
			if diags.HasErrors() || len(content.Blocks) != 1 || content.Blocks[0].Labels[0] != "aws_cloudformation_stack" {
				t.Errorf("%s: the module does not have exactly one stack: %v", name, diags)
			}
		}
	}
}

// ignoredChecks are checks of cfn-lint that a specification cannot satisfy. I1022 recommends Fn::Sub
// instead of Fn::Join, but Fn::Sub would treat ${aws:username} as a reference of its own.
var ignoredChecks = map[string]string{"resources": "I1022"}

// cfn-lint checks the templates independently.
func TestAllTemplatesPassCfnLint(t *testing.T) {
	if os.Getenv("XACCT_CFN_LINT") != "1" {
		t.Skip("needs cfn-lint, a Python program: make test-cfn-lint")
	}
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Fatal("cfn-lint is missing: install it with `pip install cfn-lint`")
	}
	all := specifications(t)
	for name, text := range all {
		t.Run(name, func(t *testing.T) {
			g, err := Read(name, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join("testdata", name, "*.json"))
			yaml, err2 := filepath.Glob(filepath.Join("testdata", name, "*.yaml"))
			if err != nil || err2 != nil || len(files) < 3 || name == "example" && len(yaml) != len(files) {
				t.Fatalf("%v, %v, %v, %v", files, yaml, err, err2)
			}
			args := []string{"--include-checks", "I", "--regions", g.hub.Region.String()}
			if check, ignored := ignoredChecks[name]; ignored {
				args = append(args, "--ignore-checks", check)
			}
			args = append(append(append(args, "--"), files...), yaml...)
			if out, err := exec.Command(lint, args...).CombinedOutput(); err != nil {
				t.Errorf("cfn-lint %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		})
	}
}

func TestJSONWithTabsIsRead(t *testing.T) {
	text := "{\n\t\"hub\": {\"name\": \"acme\", \"vendor_account_id\": \"111111111111\", \"region\": \"us-east-1\"},\n\t\"role\": {\"description\": \"no # comment\"}\n}"
	g, err := Read("spec.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(g.template.JSON(), []byte("no # comment")) {
		t.Error("the description is not in the template")
	}
}

// YAML has several spellings of true, false and null. If one of them became a string, a policy or a
// resource would change its meaning.
func TestBooleansAndNullInYAMLBecomeThoseOfJSON(t *testing.T) {
	for written, want := range map[string]string{
		"true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false",
		"null": "null", "Null": "null", "~": "null", "": "null",
		"yes": `"yes"`, `"True"`: `"True"`, `"null"`: `"null"`, "300": "300", "2012-10-17": `"2012-10-17"`,
	} {
		g, err := Read("f", []byte(validHub+"role: {path: /}\ntemplate_resources:\n  T:\n    Type: AWS::SNS::Topic\n    Properties:\n      FifoTopic: "+written+"\n"))
		if want == "null" {
			if err == nil || !strings.Contains(err.Error(), "null, which CloudFormation refuses") {
				t.Errorf("%q: %v", written, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", written, err)
		} else if !bytes.Contains(g.template.JSON(), []byte(`"FifoTopic": `+want)) {
			t.Errorf("%q is not %s in\n%s", written, want, g.template.JSON())
		}
	}
}
