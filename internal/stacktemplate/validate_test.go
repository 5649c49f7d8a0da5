// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

func TestAGoodSpecificationHasNoProblems(t *testing.T) {
	for name, s := range goldens() {
		if problems := Validate(s); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func TestEveryMistakeNamesItsField(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Specification)
		want   string
	}{
		"a hub in capitals":           {func(s *Specification) { s.Hub = "Acme" }, `name: "Acme" is not a hub's name`},
		"an invalid topic prefix":     {func(s *Specification) { s.TopicPrefix = "a:b" }, `name: "a:b" cannot begin the name of an SNS topic`},
		"a long display name":         {func(s *Specification) { s.DisplayName = strings.Repeat("ü", 101) }, "display_name: it has 101 characters, but at most 100 are allowed"},
		"a display name in two lines": {func(s *Specification) { s.DisplayName = "a\nb" }, "display_name: it has line breaks"},
		"a direction override":        {func(s *Specification) { s.DisplayName = "a\u202eb" }, "display_name: it has line breaks or other invisible characters"},
		"a dynamic display name":      {func(s *Specification) { s.DisplayName = "{{resolve:ssm:x}}" }, "display_name: it contains {{resolve:"},
		"a support page over HTTP":    {func(s *Specification) { s.SupportURL = "http://acme.example" }, "support_url: "},
		"a support URL with a space":  {func(s *Specification) { s.SupportURL = "https://acme.example/a b" }, "support_url: "},
		"a script for support":        {func(s *Specification) { s.SupportURL = "javascript:alert(1)" }, "support_url: "},
		"a dynamic support URL":       {func(s *Specification) { s.SupportURL = "https://x/{{resolve:ssm:x}}" }, "support_url: it contains {{resolve:"},
		"no vendor":                   {func(s *Specification) { s.Vendor = account.ID{} }, "account_id: "},
		"no Region":                   {func(s *Specification) { s.Regions = nil }, "regions: a hub has 1 to 200 Regions, not 0"},
		"another partition's Region":  {func(s *Specification) { s.Regions = regions("us-east-1", "cn-north-1") }, `regions["cn-north-1"]: Region cn-north-1 is in partition aws-cn, the hub in aws`},
		"a short timeout":             {func(s *Specification) { s.ResponseTimeout = time.Minute }, "response_timeout: 1m0s is not between 2m0s and 1h0m0s"},
		"a long timeout":              {func(s *Specification) { s.ResponseTimeout = time.Hour + time.Second }, "response_timeout: 1h0m1s"},
		"half a second":               {func(s *Specification) { s.ResponseTimeout += time.Second / 2 }, "response_timeout: 15m0.5s"},

		"another account's principal": {func(s *Specification) { s.TrustedPrincipals = []string{"arn:aws:iam::222222222222:role/R"} }, `trusted_principal_arns["arn:aws:iam::222222222222:role/R"]: the role is in account 222222222222`},
		"a path without last slash":   {func(s *Specification) { s.Role.Path = "/vendors" }, `role.path: "/vendors" is not a role path`},
		"a switch without description": {func(s *Specification) {
			s.OptionalPermissions = map[string]permissionset.OptionalPermission{"fix": {InlinePolicies: permissionset.Policies{"restart": restartHosts}}}
		}, `optional_permissions.fix.description: it is empty`},
	} {
		t.Run(name, func(t *testing.T) {
			s := minimal("us-east-1")
			c.change(&s)
			problems := Validate(s)
			if len(problems) == 0 {
				t.Fatalf("accepted; want %q", c.want)
			}
			if got := problems[0].Error(); !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if len(problems) > 1 {
				t.Errorf("one mistake, %d problems: %v", len(problems), problems)
			}
			_, err := Render(s)
			var field permissionset.FieldError
			if !errors.As(err, &field) || field != problems[0] {
				t.Errorf("Render returned %v", err)
			}
		})
	}
}
