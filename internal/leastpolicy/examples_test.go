// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	exampleStatement = regexp.MustCompile(`(?s)sid\s*= "(\w+)"\s*actions\s*= \[(.*?)\]`)
	exampleItems     = regexp.MustCompile(`(?s)sid\s*= "(\w+)"[^}]*?"ForAllValues:StringLike"\s*variable = "dynamodb:LeadingKeys"\s*values\s*= \[(.*?)\].*?"Null"\s*variable = "dynamodb:LeadingKeys"\s*values\s*= \["false"\]`)
	exampleText      = regexp.MustCompile(`"([^"]+)"`)
)

// The roles in the examples of registrars and the API must allow what the policies allow, statement by
// statement, and writing logs.
func TestTheExamplesRolesEqualThePoliciesAndMayWriteLogs(t *testing.T) {
	t.Parallel()
	vendor, err := account.ParseID("111111111111")
	if err != nil {
		t.Fatal(err)
	}
	region, err := account.ParseRegion("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	parts := leastpolicy.Parts{
		Account: vendor, Region: region, Queue: "queue", DeadLetterQueue: "dead-letters", Table: "table", Partitions: registry.Partitions(),
		Topics: []account.TopicARN{{Region: region, Account: vendor, Name: "topic"}}, Bucket: "bucket",
	}
	for example, policy := range map[string]func(leastpolicy.Parts) (iampolicy.Document, error){
		"registrar-lambda": leastpolicy.RegistrarFunction,
		"registrar-ecs":    leastpolicy.Registrar,
		"api-lambda":       leastpolicy.API,
	} {
		text, err := os.ReadFile(filepath.Join("../../examples", example, "role.tf"))
		if err != nil {
			t.Fatal(err)
		}
		lists := func(of *regexp.Regexp) map[string][]string {
			found := map[string][]string{}
			for _, statement := range of.FindAllStringSubmatch(string(text), -1) {
				for _, one := range exampleText.FindAllStringSubmatch(statement[2], -1) {
					found[statement[1]] = append(found[statement[1]], one[1])
				}
			}
			return found
		}
		document, err := policy(parts)
		if err != nil {
			t.Fatal(err)
		}
		actions := map[string][]string{"Logs": {"logs:CreateLogStream", "logs:PutLogEvents"}}
		partitions := map[string][]string{}
		for _, s := range document.Statements {
			actions[s.Sid] = slices.Sorted(slices.Values(s.Action))
			if of := s.Condition["ForAllValues:StringLike"]; of != nil {
				partitions[s.Sid] = of["dynamodb:LeadingKeys"]
			}
		}
		if diff := cmp.Diff(actions, lists(exampleStatement)); diff != "" {
			t.Errorf("%s: actions (-policy +example):\n%s", example, diff)
		}
		if diff := cmp.Diff(partitions, lists(exampleItems)); diff != "" {
			t.Errorf("%s: partitions of the registry (-policy +example):\n%s", example, diff)
		}
	}
}
