// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// A fleet's customers have the additional roles of its permission set. The external ID
// of all roles of a customer rotates at once, and each role can be assumed for a session.
func TestTheAdditionalRolesOfAFleetRotateWithTheRole(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := state{tfcore.New(echoing()).Workspace(), t, w}
	config := func(version int, more ...string) string {
		return hubHCL() + setHCL("readonly", `managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]`,
			`additional_roles = { scanner = { managed_policy_arns = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"] } }`) +
			fleetHCL("main", twoCustomers, fmt.Sprintf("external_id_version = %d", version)) + strings.Join(more, "")
	}
	s.apply(config(1))
	stop := w.Registrar("acme")
	stack := w.Launch("acme", "globex", acctest.Globex, "CREATE_COMPLETE")()
	stop()

	registered := func(externalID account.ExternalID) onboarding.Registration {
		t.Helper()
		found, err := w.Registry("acme").Customer(t.Context(), "globex")
		if err != nil || len(found.Live()) != 1 {
			t.Fatalf("globex has %d live roles (%v)", len(found.Live()), err)
		}
		now := found.Live()[0]
		if now.Role.Name != "acme-globex" || len(now.AdditionalRoles) != 1 || now.AdditionalRoles["scanner"].Name != "acme-globex-scanner" || now.ExternalID != externalID {
			t.Errorf("registered are %s and %v with external ID %s, want %s", now.Role, now.AdditionalRoles, now.ExternalID, externalID)
		}
		return now
	}
	first := linkOf(t, w, "globex").ExternalID
	roles := registered(first)
	accept := func(when string, ids map[account.ExternalID]bool) {
		t.Helper()
		for _, role := range []account.RoleARN{roles.Role, roles.AdditionalRoles["scanner"]} {
			for id, works := range ids {
				_, err := w.Clients.STS(w.Clients.Region).AssumeRole(t.Context(), &sts.AssumeRoleInput{
					RoleArn: aws.String(role.String()), RoleSessionName: aws.String("try"), ExternalId: aws.String(id.String()),
				})
				if works && err != nil || !works && awsclient.Code(err) != "AccessDenied" {
					t.Errorf("%s, role %s with external ID %s: %v, want accepted: %t", when, role.Name, id, err, works)
				}
			}
		}
	}
	update := func(parameters map[string]string) {
		t.Helper()
		defer w.Registrar("acme")()
		w.Update(stack.ID, sandbox.UpdateOptions{Parameters: parameters})
	}

	s.apply(config(2))
	second := linkOf(t, w, "globex").ExternalID
	accept("before the update", map[account.ExternalID]bool{first: true, second: false})
	registered(first)
	update(map[string]string{"ExternalId": second.String(), "PreviousExternalId": first.String()})
	accept("while both are given", map[account.ExternalID]bool{first: true, second: true})
	registered(second)
	update(map[string]string{"PreviousExternalId": ""})
	accept("at the end", map[account.ExternalID]bool{first: false, second: true})
	registered(second)

	s.apply(config(2, credentialsHCL("first", `role_key = "scanner"`)))
	if got, _ := s.Attributes("echo.first")["data"].(map[string]any); got["role_arn"] != roles.AdditionalRoles["scanner"].String() {
		t.Errorf("the session is of %v", got["role_arn"])
	}
	wrong := config(2, credentialsHCL("first", `role_key = "nosuch"`))
	if _, found := s.Plan(t.Context(), w.Provider()+wrong, tfcore.Options{}); found.Err() == nil || !loosely(`No additional role nosuch of customer globex.*registered the additional roles \[scanner\]`).MatchString(found.Err().Error()) {
		t.Errorf("a key that is not declared: %v", found.Err())
	}
}
