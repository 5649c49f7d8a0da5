// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

func additionalGoldens() map[string]Specification {
	two := choosing()
	two.AdditionalRoles = map[string]permissionset.AdditionalRole{
		"scanner": {
			Description: "Scans snapshots", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"},
			InlinePolicies:  permissionset.Policies{"snapshots": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:CreateSnapshot","Resource":"*"}]}`},
			ManagedPolicies: permissionset.Policies{"more": readBuckets}, MaxSessionDuration: 7200, Tags: map[string]string{"vendor": "acme"},
			Trust: permissionset.Trust{
				TrustedAccountIDs: []string{"222222222222"}, TrustedPrincipals: []string{"arn:aws:iam::222222222222:role/scanning/Scanner"}, AllowSessionTags: true,
			},
		},
		"billing": {ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"}},
	}
	return map[string]Specification{"additional-roles": two}
}

func TestTheDescriptionSaysWhatAdditionalRolesMayDoAndForWhom(t *testing.T) {
	text := description(additionalGoldens()["additional-roles"])
	for _, want := range []string{
		"through 3 IAM roles", "Its role ...-billing, for AWS account 111111111111, has the managed policies AWSBillingReadOnlyAccess.",
		"Its role ...-scanner, for AWS accounts 111111111111 and 222222222222, has the managed policies ViewOnlyAccess, and the permissions in this template named more, snapshots. In account 222222222222 only Scanner may use it.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
}

// A name that would be too long with the suffix of an additional role must be refused before anything is
// created.
func TestTheRolesNameLeavesRoomForAdditionalRoles(t *testing.T) {
	var template struct {
		Parameters map[string]struct{ MaxLength int }
	}
	if err := json.Unmarshal(must(Render(additionalGoldens()["additional-roles"])).JSON(), &template); err != nil {
		t.Fatal(err)
	}
	if got := template.Parameters[ParameterRoleName].MaxLength; got != 64-len("-scanner") {
		t.Errorf("the name may have %d characters", got)
	}
}
