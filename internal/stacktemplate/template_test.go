// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// must returns the value or panics.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const readBuckets = `{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}]
}`

func regions(names ...string) []account.Region {
	list := make([]account.Region, len(names))
	for i, name := range names {
		list[i] = must(account.ParseRegion(name))
	}
	return list
}

func minimal(names ...string) Specification {
	return Specification{
		Hub:             "acme",
		Vendor:          must(account.ParseID("111111111111")),
		Partition:       must(account.ParseRegion(names[0])).Partition(),
		Regions:         regions(names...),
		ResponseTimeout: 15 * time.Minute,
		Set:             permissionset.Set{Role: permissionset.Role{InlinePolicies: permissionset.Policies{"read": readBuckets}}},
	}
}

func everything() Specification {
	s := minimal("us-east-1", "eu-central-1", "ap-southeast-2")
	s.DisplayName = "ACME Observability GmbH & Co. <KG>"
	s.SupportURL = "https://acme.example/help?topic=aws&lang=en"
	s.ResponseTimeout = time.Hour
	s.TrustedPrincipals = []string{"arn:aws:iam::111111111111:role/ingest/Collector", "arn:aws:iam::111111111111:role/Auditor"}
	s.Role = permissionset.Role{
		Path:                   "/vendors/acme/",
		Description:            "Read access for ACME: ${not.a.variable}, 100 % übersichtlich",
		ManagedPolicyARNs:      []string{"arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"},
		PermissionsBoundaryARN: "arn:aws:iam::aws:policy/ReadOnlyAccess",
		MaxSessionDuration:     7200,
		Tags:                   map[string]string{"vendor": "acme", "empty": "", "Cost Center": "4711"},
		InlinePolicies: permissionset.Policies{
			"read": readBuckets,
			"own-home": `{"Version":"2012-10-17","Statement":[{"Sid":"Home","Effect":"Allow","Action":"s3:*",
				"Resource":"arn:aws:s3:::home/${aws:username}/*",
				"Condition":{"StringLike":{"s3:prefix":["a","b"]},"NumericLessThan":{"s3:max-keys":100},"Bool":{"aws:SecureTransport":true}}}]}`,
		},
	}
	return s
}

// asFunction returns a string as goformation encodes an intrinsic function.
func asFunction(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func hostile() Specification {
	s := minimal("us-east-1")
	s.DisplayName = `"}, {"Ref": "AWS::AccountId"} ${AWS::AccountId} !Ref X '<b>' \n - yes: # {{x}}`
	s.SupportURL = "https://acme.example/${AWS::AccountId}/%7B%7B"
	s.Role.Description = asFunction(`{"Ref":"AWS::AccountId"}`)
	s.Role.Tags = map[string]string{
		asFunction(`{"Ref":"A"}`): asFunction(`{"Fn::Sub":"x"}`),
		"bool":                    "true", "date": "2012-10-17", "number": "0123456789012", "null": "null", "hole": "xacct-hole-0",
	}
	s.Role.InlinePolicies = permissionset.Policies{
		// Policies of version 2008-10-17 have no variables, so ${…} is plain text.
		asFunction(`{"Ref":"B"}`): `{"Version":"2008-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{
			"aws:PrincipalTag/a":["` + asFunction(`{"Fn::GetAtt":["Role","Arn"]}`) + `","Ref","Fn::Sub","{\"Ref\":\"X\"}","${AWS::Region}","!Sub x","xacct-hole-1"],
			"aws:PrincipalTag/` + asFunction(`{"Ref":"C"}`) + `":"on"}}}]}`,
	}
	return s
}

func goldens() map[string]Specification {
	trusted := minimal("us-east-1", "us-west-2")
	trusted.TrustedPrincipals = everything().TrustedPrincipals
	accounts := trusted
	accounts.TrustedAccountIDs = []string{"333333333333", "222222222222"}
	accounts.TrustedPrincipals = append(slices.Clone(trusted.TrustedPrincipals), "arn:aws:iam::222222222222:role/scanning/Scanner")
	accounts.AllowSessionTags, accounts.AllowSourceIdentity = true, true
	bare := minimal("us-east-1")
	bare.Role = permissionset.Role{}
	all := map[string]Specification{
		"minimal":            minimal("us-east-1"),
		"no-permissions":     bare,
		"everything":         everything(),
		"trusted-principals": trusted,
		"trusted-accounts":   accounts,
		"govcloud":           minimal("us-gov-west-1", "us-gov-east-1"),
		"china":              minimal("cn-north-1", "cn-northwest-1"),
		"european-sovereign": minimal("eusc-de-east-1"),
		"hostile":            hostile(),
		"asking":             asking(),
		"choosing":           choosing(),
		"resources":          withResources(),
	}
	maps.Copy(all, optionalGoldens())
	maps.Copy(all, managedGoldens())
	maps.Copy(all, additionalGoldens())
	return all
}

func TestTemplatesEqualTheGoldenFiles(t *testing.T) {
	for name, s := range goldens() {
		t.Run(name, func(t *testing.T) {
			template, err := Render(s)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", template.JSON())
			golden(t, name+".yaml", must(template.YAML()))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
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

func TestTheSameSpecificationGivesTheSameBytes(t *testing.T) {
	first := must(Render(everything()))
	for range 20 {
		if again := must(Render(everything())); !bytes.Equal(again.JSON(), first.JSON()) || again.Digest() != first.Digest() {
			t.Fatal("another rendering has other bytes")
		}
	}
	reordered := everything()
	reordered.Regions = regions("ap-southeast-2", "us-east-1", "eu-central-1")
	reordered.TrustedPrincipals[0], reordered.TrustedPrincipals[1] = reordered.TrustedPrincipals[1], reordered.TrustedPrincipals[0]
	reordered.Role.ManagedPolicyARNs = []string{reordered.Role.ManagedPolicyARNs[1], reordered.Role.ManagedPolicyARNs[0]}
	if must(Render(reordered)).Digest() != first.Digest() {
		t.Error("the order of a set changes the template")
	}
	if key := first.ObjectKey(); key != "templates/"+first.Digest()+".json" || len(first.Digest()) != 64 {
		t.Errorf("the object's key is %s", key)
	}
}

func TestYAMLAndJSONAreTheSameTemplate(t *testing.T) {
	for name, s := range goldens() {
		template := must(Render(s))
		if err := sameAsYAML(template); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func sameAsYAML(template Template) error {
	text, err := template.YAML()
	if err != nil {
		return err
	}
	var fromJSON, fromYAML any
	if err := json.Unmarshal(template.JSON(), &fromJSON); err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, &fromYAML); err != nil {
		return err
	}
	if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
		return fmt.Errorf("JSON and YAML differ:\n%s", diff)
	}
	return nil
}

func TestTheVersionDependsOnlyOnThePermissionSet(t *testing.T) {
	base := Version(everything())
	for name, change := range map[string]func(*Specification){
		"a Region":         func(s *Specification) { s.Regions = regions("us-east-1") },
		"the timeout":      func(s *Specification) { s.ResponseTimeout = 5 * time.Minute },
		"the display name": func(s *Specification) { s.DisplayName = "ACME" },
		"the support URL":  func(s *Specification) { s.SupportURL = "" },
		"the hub's name":   func(s *Specification) { s.Hub = "other" },
	} {
		s := everything()
		change(&s)
		if got := Version(s); got != base {
			t.Errorf("%s changes the version", name)
		}
	}
}

func TestADescriptionAlwaysFits(t *testing.T) {
	s := everything()
	s.DisplayName = strings.Repeat("ü", maxDisplayName)
	s.SupportURL = "https://acme.example/" + strings.Repeat("x", maxSupportURL-len("https://acme.example/"))
	for i := range 100 {
		s.Role.InlinePolicies[fmt.Sprintf("policy-with-a-long-name-%03d", i)] = `{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}`
	}
	if problems := Validate(s); len(problems) > 0 {
		t.Fatal(problems)
	}
	text := description(s)
	if len(text) > maxDescription || !strings.HasSuffix(text, s.SupportURL) || !strings.Contains(text, "111111111111") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

func BenchmarkRender(b *testing.B) {
	s := everything()
	for b.Loop() {
		if _, err := Render(s); err != nil {
			b.Fatal(err)
		}
	}
}
