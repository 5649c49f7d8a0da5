// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

const restartHosts = `{
  "Version": "2012-10-17",
  "Statement": [{"Sid": "Restart", "Effect": "Allow", "Action": "ec2:RebootInstances", "Resource": "*"}]
}`

// optional returns a specification with optional permissions.
func optional(s Specification, permissions map[string]permissionset.OptionalPermission) Specification {
	s.OptionalPermissions = permissions
	return s
}

func mixed() map[string]permissionset.OptionalPermission {
	return map[string]permissionset.OptionalPermission{
		"restart_hosts": {Description: "Restart hosts that hang.", DefaultEnabled: true, InlinePolicies: permissionset.Policies{"restart": restartHosts}},
		"billing":       {Description: "Read invoices & budgets", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"}},
		"s3_2nd_look": {
			Description:       "Look into ${your} buckets",
			ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "arn:aws:iam::aws:policy/AmazonAthenaFullAccess"},
			InlinePolicies: permissionset.Policies{
				"tables":  strings.Replace(readBuckets, "s3:ListBucket", "glue:GetTables", 1),
				"buckets": strings.Replace(readBuckets, `"*"`, `"arn:aws:s3:::${aws:PrincipalTag/team}/*"`, 1),
			},
		},
	}
}

func optionalGoldens() map[string]Specification {
	bare := minimal("us-east-1")
	bare.Role = permissionset.Role{}
	off, on := mixed(), mixed()
	delete(on, "billing")
	delete(on, "s3_2nd_look")
	delete(off, "restart_hosts")
	delete(off, "s3_2nd_look")
	return map[string]Specification{
		"optional-one-on":  optional(minimal("us-east-1"), on),
		"optional-one-off": optional(bare, off),
		"optional-mixed":   optional(everything(), mixed()),
	}
}

// If a template gains switches, an update of the stack keeps the values of the old parameters, and the
// new ones get their defaults.
func TestEveryParameterThatATemplateMayGainHasADefault(t *testing.T) {
	var before, after struct {
		Parameters map[string]struct{ Default *string }
	}
	for template, into := range map[*Template]any{
		new(must(Render(minimal("us-east-1")))):                    &before,
		new(must(Render(optional(minimal("us-east-1"), mixed())))): &after,
	} {
		if err := json.Unmarshal(template.JSON(), into); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := len(after.Parameters), len(before.Parameters)+3; got != want {
		t.Fatalf("%d parameters, want %d", got, want)
	}
	for name, parameter := range after.Parameters {
		if _, old := before.Parameters[name]; !old && parameter.Default == nil {
			t.Errorf("%s has no default", name)
		}
	}
}

func TestTheDescriptionNamesOptionalPermissions(t *testing.T) {
	text := description(optional(minimal("us-east-1"), mixed()))
	if want := "named read. Optional, for you to switch on or off: Read invoices & budgets; Restart hosts that hang; Look into ${your} buckets. Deleting"; !strings.Contains(text, want) {
		t.Errorf("%s\ndoes not say %q", text, want)
	}
	many := map[string]permissionset.OptionalPermission{}
	for i := range 20 {
		many[fmt.Sprintf("p%d", i)] = permissionset.OptionalPermission{Description: strings.Repeat("ü", permissionset.MaxSwitchText), ManagedPolicyARNs: []string{fmt.Sprintf("arn:aws:iam::aws:policy/%0128d", i)}}
	}
	s := optional(minimal("us-east-1"), many)
	if text := description(s); len(text) > maxDescription || !strings.HasSuffix(text, "... Deleting the stack ends the access.") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
	if _, err := Render(s); err != nil {
		t.Error(err)
	}
}
