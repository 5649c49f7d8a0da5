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

// describing returns a policy with n statements.
func describing(n int) string {
	statements := make([]string, n)
	for i := range statements {
		statements[i] = fmt.Sprintf(`{"Effect":"Allow","Action":["ec2:DescribeInstances","ec2:DescribeImages"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-%d"}}}`, i)
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// managedGoldens are templates that create managed policies: alone, together with others, one that is
// divided, and some of an optional permission.
func managedGoldens() map[string]Specification {
	alone := minimal("us-east-1")
	alone.Role = permissionset.Role{ManagedPolicies: permissionset.Policies{"core": readBuckets}}
	divided := minimal("us-gov-west-1")
	divided.Role.Path = "/vendors/acme/"
	divided.Role.ManagedPolicies = permissionset.Policies{"resource-collection": describing(50), "core": restartHosts}
	switched := optional(everything(), mixed())
	switched.Role.ManagedPolicies = permissionset.Policies{"core": readBuckets}
	hosts := switched.OptionalPermissions["restart_hosts"]
	hosts.ManagedPolicies = permissionset.Policies{"hosts": describing(50), "one_more": restartHosts}
	switched.OptionalPermissions["restart_hosts"] = hosts
	return map[string]Specification{"managed-alone": alone, "managed-divided": divided, "managed-optional": switched}
}

// The role must refer to every created policy, and to no other, under the policy's condition. Otherwise
// the stack would fail with the switch on or with it off.
func TestTheRoleNamesEveryPolicyThatTheStackCreates(t *testing.T) {
	for name, s := range managedGoldens() {
		var template struct {
			Resources map[string]struct {
				Type, Condition string
				Properties      struct{ ManagedPolicyArns []any }
			}
		}
		if err := json.Unmarshal(must(Render(s)).JSON(), &template); err != nil {
			t.Fatal(err)
		}
		named := map[string]string{}
		for _, arn := range template.Resources[RoleLogicalID].Properties.ManagedPolicyArns {
			condition := ""
			if branches, ok := leaf(arn, "Fn::If").([]any); ok {
				condition, arn = branches[0].(string), branches[1]
			}
			if id, ok := leaf(arn, "Ref").(string); ok {
				named[id] = condition
			}
		}
		created := 0
		for id, r := range template.Resources {
			if r.Type != "AWS::IAM::ManagedPolicy" {
				continue
			}
			created++
			if condition, ok := named[id]; !ok || condition != r.Condition {
				t.Errorf("%s: policy %s has the condition %q; the role refers to it: %t, under %q", name, id, r.Condition, ok, condition)
			}
		}
		if created == 0 || created != len(named) {
			t.Errorf("%s: %d policies are created, %d are named", name, created, len(named))
		}
	}
}
