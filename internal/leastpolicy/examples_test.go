// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

var (
	exampleStatement = regexp.MustCompile(`(?s)sid\s*= "(\w+)"\s*actions\s*= \[(.*?)\]`)
	exampleAction    = regexp.MustCompile(`"([^"]+)"`)
)

// TestTheExamplesRolesMayDoWhatThePolicySaysAndWriteLogs compares what the
// examples of registrars allow, statement by statement.
func TestTheExamplesRolesMayDoWhatThePolicySaysAndWriteLogs(t *testing.T) {
	t.Parallel()
	vendor, err := account.ParseID("111111111111")
	if err != nil {
		t.Fatal(err)
	}
	region, err := account.ParseRegion("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	parts := Parts{Account: vendor, Region: region, Queue: "queue", DeadLetterQueue: "dead-letters", Table: "table"}
	for example, policy := range map[string]func(Parts) (iampolicy.Document, error){
		"registrar-lambda": RegistrarFunction,
		"registrar-ecs":    Registrar,
	} {
		text, err := os.ReadFile(filepath.Join("../../examples", example, "role.tf"))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, found := range exampleStatement.FindAllStringSubmatch(string(text), -1) {
			for _, action := range exampleAction.FindAllStringSubmatch(found[2], -1) {
				got[found[1]] = append(got[found[1]], action[1])
			}
		}
		document, err := policy(parts)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string][]string{"Logs": {"logs:CreateLogStream", "logs:PutLogEvents"}}
		for _, s := range document.Statements {
			want[s.Sid] = slices.Sorted(slices.Values(s.Action))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: actions (-policy +example):\n%s", example, diff)
		}
	}
}
