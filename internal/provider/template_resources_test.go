// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// exportsWish declares a bucket and a queue in the customer's stack.
const exportsWish = `template_resources = jsonencode({
    Exports = { Type = "AWS::S3::Bucket", DeletionPolicy = "Retain", Properties = {
      BucketName = "acme-exports-${provider::xacct::customer_account_id()}"
    } }
    ExportsPolicy = { Type = "AWS::S3::BucketPolicy", Properties = { Bucket = { Ref = "Exports" }, PolicyDocument = {
      Version = "2012-10-17"
      Statement = [{ Effect = "Deny", Principal = "*", Action = "s3:*", Resource = { "Fn::GetAtt" = ["Exports", "Arn"] }, Condition = { Bool = { "aws:SecureTransport" = "false" } } }]
    } } }
    Arrivals = { Type = "AWS::SQS::Queue", DeletionPolicy = "Delete" }
  })
  template_outputs = jsonencode({ bucket = { Ref = "Exports" }, queue = { "Fn::GetAtt" = ["Arrivals", "QueueName"] } })`

// The other resources of the stack are created before the phone-home and deleted after
// it. The bucket is kept when the stack is deleted.
func TestTemplateResourcesAreCreatedReportedChangedAndKept(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex.with(exportsWish)) + roleHCL(globex, waits)
	changed := strings.NewReplacer(`Arrivals = {`, `Later = {`, `["Arrivals", "QueueName"]`, `["Later", "QueueName"]`).Replace(config)
	const bucket = "acme-exports-222222222222"
	reported := func(queue *regexp.Regexp) statecheck.StateCheck {
		return value(roleGlobex, "reported", knownvalue.MapExact(map[string]knownvalue.Check{"bucket": is(bucket), "queue": knownvalue.StringRegexp(queue)}))
	}
	there := func() bool {
		clients := w.ClientsOf(globex.account, "us-east-1")
		_, err := clients.S3().HeadBucket(context.Background(), &s3.HeadBucketInput{Bucket: aws.String(bucket)})
		return err == nil
	}
	var launched func() sandbox.Stack
	var stack sandbox.Stack
	run(t,
		resource.TestStep{
			PreConfig: func() { launched = w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
			Config:    config,
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "status", is("active")), reported(regexp.MustCompile(`-Arrivals-`)), after(func() { stack = launched() }),
			},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{Config: strings.Replace(config, `{ Ref = "Exports" }, queue`, "{\n Ref = \"Exports\" }, queue", 1), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			Config:            changed,
			ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "outdated", knownvalue.Bool(true)), reported(regexp.MustCompile(`-Arrivals-`))},
		},
		resource.TestStep{
			PreConfig: func() { update(t, w, stack.ID, "globex") },
			Config:    changed, ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "outdated", knownvalue.Bool(false)), reported(regexp.MustCompile(`-Later-`))},
		},
		resource.TestStep{ResourceName: linkGlobex, ImportState: true, ImportStateId: "acme/globex", ImportStateVerify: true},
		resource.TestStep{
			PreConfig: func() { defer w.Registrar("acme")(); w.Leave(stack.ID) },
			Config:    changed,
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "status", is("disconnected")), after(func() {
					if !there() {
						t.Error("the bucket was deleted with the stack, despite its DeletionPolicy")
					}
				}),
			},
		},
	)
	if story := w.Story(stack.ID); strings.Index(story, "PhoneHome CREATE_IN_PROGRESS") < strings.Index(story, "Exports CREATE_COMPLETE") ||
		strings.Index(story, "PhoneHome DELETE_COMPLETE") > strings.Index(story, "Later DELETE_IN_PROGRESS") || !strings.Contains(story, "Exports DELETE_SKIPPED") {
		t.Errorf("the phone-home is not created last and deleted first:\n%s", story)
	}
}

func TestAPlanRefusesTemplateResourcesThatReferOutside(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	wrong := func(wish, want string) resource.TestStep {
		return resource.TestStep{Config: w.Provider() + hubHCL() + linkHCL(globex.with(wish)), ExpectError: regexp.MustCompile(strings.ReplaceAll(want, " ", `\s+`))}
	}
	run(t,
		wrong(`template_resources = jsonencode({ Scanner = { Type = "AWS::IAM::Role" } })`, `"Scanner": AWS::IAM::Role would grant something`),
		wrong(`template_resources = jsonencode({ Exports = { Type = "AWS::S3::Bucket" } })`, `set DeletionPolicy to Retain`),
		wrong(`template_outputs = jsonencode({ id = { Ref = "ExternalId" } })`, `"id": Ref "ExternalId" does not name a template resource`),
		wrong(`template_resources = "[]"`, `it is not a JSON object`),
	)
}
