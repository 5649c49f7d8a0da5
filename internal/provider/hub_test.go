// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// sqsForgets is how long SQS keeps the name of a deleted queue.
const sqsForgets = time.Minute

func TestAHubChangesInPlace(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL()},
		resource.TestStep{
			Config: w.Provider() + hubHCL(`regions = ["us-east-1", "ap-south-1"]`, `response_timeout = "1200s"`, `capacity = 200`, `tags = { team = "intake" }`),
			ConfigPlanChecks: before(
				action(theHub, plancheck.ResourceActionUpdate),
				planned(theHub, "topic_arns", knownvalue.MapSizeExact(2)),
				planned(theHub, "queue_url", knownvalue.NotNull()),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(theHub, "response_timeout", is("1200s")),
				value(theHub, "tags_all", knownvalue.MapSizeExact(1)),
			},
		},
		resource.TestStep{
			Config:           w.Provider() + hubHCL(`regions = ["ap-south-1"]`),
			ConfigPlanChecks: before(action(theHub, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(theHub, "response_timeout", is("15m")),
				value(theHub, "topic_arns", knownvalue.MapExact(map[string]knownvalue.Check{"ap-south-1": is("arn:aws:sns:ap-south-1:111111111111:xacct-acme-0")})),
				value(theHub, "tags_all", knownvalue.MapSizeExact(0)),
			},
		},
		resource.TestStep{Config: w.Provider() + hubHCL(`regions = ["ap-south-1"]`), ConfigPlanChecks: emptyPlan()},
	)
}

func TestDefaultTagsComeFromTheProvider(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	with := w.ProviderWith(acctest.Region, sandbox.VendorAccount, `default_tags = { tags = { team = "platform", cost = "7" } }`)
	run(t,
		resource.TestStep{
			Config: with + hubHCL(`tags = { team = "intake" }`),
			ConfigStateChecks: []statecheck.StateCheck{
				value(theHub, "tags", knownvalue.MapExact(map[string]knownvalue.Check{"team": is("intake")})),
				value(theHub, "tags_all", knownvalue.MapExact(map[string]knownvalue.Check{"team": is("intake"), "cost": is("7")})),
			},
		},
		resource.TestStep{Config: with + hubHCL(`tags = { team = "intake" }`), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			Config:           w.Provider() + hubHCL(`tags = { team = "intake" }`),
			ConfigPlanChecks: before(planned(theHub, "tags_all", knownvalue.MapExact(map[string]knownvalue.Check{"team": is("intake")}))),
		},
	)
}

func TestDeletedResourcesAreRecreated(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	ctx := context.Background()
	config := w.Provider() + hubHCL() + linkHCL(globex)
	region := w.Clients.Region
	queueURL := func(name string) *string {
		found, err := w.Clients.SQS(region).GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			t.Fatal(err)
		}
		return found.QueueUrl
	}
	things := []struct {
		name   string
		gone   func() error
		remade string
	}{
		{"topic", func() error {
			_, err := w.Clients.SNS(region).DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: aws.String("arn:aws:sns:us-east-1:111111111111:xacct-acme-0")})
			return err
		}, theHub},
		{"queue", func() error {
			_, err := w.Clients.SQS(region).DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: queueURL("xacct-acme")})
			return err
		}, theHub},
		{"dead letters", func() error {
			_, err := w.Clients.SQS(region).DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: queueURL("xacct-acme-dead-letters")})
			return err
		}, theHub},
		{"queue's retention", func() error {
			_, err := w.Clients.SQS(region).SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
				QueueUrl: queueURL("xacct-acme"), Attributes: map[string]string{"MessageRetentionPeriod": "60"},
			})
			return err
		}, theHub},
		{"bucket policy", func() error {
			record, err := w.Registry("acme").Hub(ctx)
			if err != nil {
				return err
			}
			_, err = w.Clients.S3().DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &record.Bucket})
			return err
		}, theHub},
		{"link", func() error {
			_, err := w.Clients.DynamoDB().DeleteItem(ctx, &dynamodb.DeleteItemInput{
				TableName: aws.String("xacct-acme"),
				Key: map[string]types.AttributeValue{
					"pk": &types.AttributeValueMemberS{Value: "LINK#0"},
					"sk": &types.AttributeValueMemberS{Value: "CUSTOMER#globex"},
				},
			})
			return err
		}, linkGlobex},
	}
	steps := []resource.TestStep{{Config: config}}
	for _, thing := range things {
		how := plancheck.ResourceActionUpdate
		if thing.remade == linkGlobex {
			how = plancheck.ResourceActionCreate
		}
		checks := []plancheck.PlanCheck{action(thing.remade, how)}
		if thing.remade == theHub {
			// The plan names the drift, and keeps attributes known that others refer to.
			checks = append(checks, drifts(theHub), planned(theHub, "queue_arn", knownvalue.NotNull()), planned(theHub, "topic_arns", knownvalue.MapSizeExact(1)))
		}
		steps = append(steps,
			resource.TestStep{
				PreConfig: func() {
					w.Clock().Advance(sqsForgets) // a deleted queue's name can't be used at once
					if err := thing.gone(); err != nil {
						t.Fatalf("%s: %v", thing.name, err)
					}
					w.Clock().Advance(sqsForgets)
				},
				Config: config, ConfigPlanChecks: before(checks...),
			},
			resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		)
	}
	// The hub works as before.
	steps = append(steps, resource.TestStep{
		PreConfig: func() { w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
		Config:    config + roleHCL(globex, waits),
	})
	run(t, steps...)
}

// drifts returns a check that the plan changes the attribute drift from a list with
// entries to an empty one.
func drifts(address string) plancheck.PlanCheck { return driftCheck(address) }

type driftCheck string

func (address driftCheck) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, change := range req.Plan.ResourceChanges {
		if change.Address != string(address) {
			continue
		}
		before, _ := change.Change.Before.(map[string]any)["drift"].([]any)
		after, _ := change.Change.After.(map[string]any)["drift"].([]any)
		if len(before) == 0 || len(after) != 0 {
			resp.Error = fmt.Errorf("the plan turns drift %v into %v", before, after)
		}
	}
}

func TestAHubWithoutATableIsRecreatedAndItsLinksStayInTheState(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	drop := func() {
		if err := w.Registry("acme").DeleteTable(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	alone, with := w.Provider()+hubHCL(), w.Provider()+hubHCL()+linkHCL(globex)
	run(t,
		resource.TestStep{Config: alone},
		resource.TestStep{PreConfig: drop, Config: alone, ConfigPlanChecks: before(action(theHub, plancheck.ResourceActionCreate))},
		resource.TestStep{Config: with},
		resource.TestStep{PreConfig: drop, Config: with, ExpectError: loosely(`No hub for customer globex of hub acme.*Nothing was removed from the state`)},
		resource.TestStep{ // if the hub exists again, its link is created again
			PreConfig:        func() { newState(t, w).apply(hubHCL()) },
			Config:           with,
			ConfigPlanChecks: before(action(linkGlobex, plancheck.ResourceActionCreate)),
		},
	)
}

func TestAProviderForAnotherRegionOrAccountChangesNothing(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	rest := hubHCL(`regions = ["us-east-1"]`) + linkHCL(globex) + roleHCL(globex)
	elsewhere := w.ProviderWith("eu-west-1", sandbox.VendorAccount, "")
	run(t,
		resource.TestStep{Config: w.Provider() + rest},
		resource.TestStep{Config: elsewhere + rest, ExpectError: loosely(`Hub acme is in another Region.*created in Region us-east-1, but the provider is configured for eu-west-1`)},
		resource.TestStep{Config: w.ProviderWith(acctest.Region, acctest.Globex, "") + rest, ExpectError: loosely(`Hub acme is in another account`)},
		resource.TestStep{
			Config:      w.ProviderWith(acctest.Region, acctest.Globex, `allowed_account_ids = ["111111111111"]`) + rest,
			ExpectError: loosely(`account 222222222222, and allowed_account_ids names 111111111111`),
		},
		resource.TestStep{Config: w.Provider() + rest, ConfigPlanChecks: emptyPlan()},
	)
}

func TestARegistryThatCannotBeReadIsAnErrorAndCreatesNothing(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex)
	deny := func(c *kernel.Call) error {
		if c.Service == "dynamodb" && slices.Contains([]string{"Query", "GetItem", "BatchGetItem"}, c.Action) {
			return kernel.Errorf(400, "AccessDeniedException", "User: %s is not authorized to perform: dynamodb:%s on resource: arn:aws:dynamodb:us-east-1:111111111111:table/xacct-acme", c.Principal.ARN, c.Action)
		}
		return nil
	}
	var allow func()
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig:   func() { allow = w.Faults().Before(deny) },
			Config:      config,
			ExpectError: loosely(`Could not read (hub acme|customer globex of hub acme)`),
		},
		resource.TestStep{ // a new link is an error too, and not planned with unknown values
			Config:      config + linkHCL(initech),
			ExpectError: loosely(`Could not read`),
		},
		resource.TestStep{PreConfig: func() { allow() }, Config: config, ConfigPlanChecks: emptyPlan()},
	)
}

func TestAMissingPermissionIsNamedWithItsResource(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	keys, err := w.NewUser(sandbox.VendorAccount, "ci", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["dynamodb:*","sqs:*","s3:*","sts:*"],"Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	run(t, resource.TestStep{
		Config:      w.ProviderAs(keys, acctest.Region, "") + hubHCL(),
		ExpectError: loosely(`Could not create hub acme.*allow arn:aws:iam::111111111111:user/ci to do sns:\w+ on arn:aws:sns:us-east-1:111111111111:xacct-acme-0`),
	})
}

func TestAnExistingHubIsTakenOverIfItIsTheSame(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	forget := w.Provider() + `
removed {
  from = xacct_hub.this
  lifecycle { destroy = false }
}`
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL()},
		resource.TestStep{Config: forget},
		resource.TestStep{Config: w.Provider() + hubHCL(`response_timeout = "20m"`), ExpectError: loosely(`Hub acme exists already.*response_timeout.*terraform import ADDRESS acme`)},
		resource.TestStep{Config: w.Provider() + hubHCL()},
		resource.TestStep{Config: w.Provider() + hubHCL(), ConfigPlanChecks: emptyPlan()},
	)
}

func TestAnInterruptedCreateOfAHubIsCompletedByTheNextApply(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	cut := true
	stop := w.Faults().Before(func(c *kernel.Call) error {
		if cut && c.Service == "s3" {
			return kernel.Errorf(403, "AccessDenied", "Access Denied")
		}
		return nil
	})
	defer stop()
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL(), ExpectError: loosely(`Could not create hub acme`)},
		resource.TestStep{PreConfig: func() { cut = false }, Config: w.Provider() + hubHCL(), ConfigPlanChecks: before(action(theHub, plancheck.ResourceActionCreate))},
		resource.TestStep{Config: w.Provider() + hubHCL(), ConfigPlanChecks: emptyPlan()},
	)
}

func TestUnknownValuesArePlanned(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	// Region, account and policy come from a resource that does not exist yet.
	config := `
resource "terraform_data" "later" {
  input = { region = "us-east-1", account = "222222222222", policy = "arn:aws:iam::aws:policy/SecurityAudit" }
}
` + replaceOnce(w.Provider(), `"us-east-1"`, `terraform_data.later.output.region`) + `
resource "xacct_hub" "this" {
  name          = "acme"
  regions       = [terraform_data.later.output.region]
  force_destroy = true
}
resource "xacct_onboarding_link" "globex" {
  hub         = xacct_hub.this.id
  customer_id = "globex"
  account_id  = terraform_data.later.output.account
  region      = terraform_data.later.output.region
  role        = { managed_policy_arns = [terraform_data.later.output.policy] }
}
` + roleHCL(globex)
	journey(t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/acme-globex"))}},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ // now the provider's Region is unknown, and everything exists
			Config:           replaceOnce(config, "{ region =", "{ again = true, region ="),
			ConfigPlanChecks: before(action(linkGlobex, plancheck.ResourceActionUpdate)),
		},
		resource.TestStep{Config: replaceOnce(config, "{ region =", "{ again = true, region ="), ConfigPlanChecks: emptyPlan()},
	)
}

func TestDestroyingAHubWarnsOfTheBucketThatIsKept(t *testing.T) {
	t.Parallel()
	w := acctest.StartIn(t, "me-south-1") // this Region has no account-regional namespace for buckets
	s := newState(t, w)
	s.apply(hubHCL() + linkHCL(globex))
	bucket, _ := s.Attributes(theHub)["template_bucket"].(string)
	found := s.Run(t.Context(), w.Provider(), tfcore.Options{})
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	if got := summaries(found); !strings.HasPrefix(bucket, "xacct-acme-") || !strings.Contains(got, "Bucket "+bucket+" was kept") {
		t.Errorf("the destroy warns %q about bucket %q", got, bucket)
	}
}
