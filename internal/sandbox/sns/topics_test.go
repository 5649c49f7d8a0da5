// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"
)

func attributesOf(b *bench, c *awssns.Client, arn string) map[string]string {
	b.t.Helper()
	out, err := c.GetTopicAttributes(b.ctx, &awssns.GetTopicAttributesInput{TopicArn: &arn})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.Attributes
}

func setPolicy(b *bench, c *awssns.Client, arn, document string) error {
	_, err := c.SetTopicAttributes(b.ctx, &awssns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: aws.String("Policy"), AttributeValue: &document})
	return err
}

// decodeJSON returns the value of a JSON document, so that the comparison of
// two does not depend on their formatting.
func decodeJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func TestATopicHasAWSsDefaultPolicy(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	got := attributesOf(b, c, b.topic(c, "news"))
	want := `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow",
		"Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission",
		"SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],
		"Resource":"arn:aws:sns:us-east-1:111111111111:news","Condition":{"StringEquals":{"AWS:SourceOwner":"111111111111"}}}]}`
	if d := cmp.Diff(decodeJSON(t, want), decodeJSON(t, got["Policy"])); d != "" {
		t.Error(d)
	}
	for name, want := range map[string]string{
		"TopicArn": "arn:aws:sns:us-east-1:111111111111:news", "Owner": vendor, "DisplayName": "",
		"SubscriptionsConfirmed": "0", "SubscriptionsPending": "0", "SubscriptionsDeleted": "0",
	} {
		if value, found := got[name]; !found || value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
}

func TestCreatingATopicAgainIsIdempotentIfItIsEqual(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	create := func(display, tag string) (string, error) {
		out, err := c.CreateTopic(b.ctx, &awssns.CreateTopicInput{
			Name: aws.String("news"), Attributes: map[string]string{"DisplayName": display},
			Tags: []types.Tag{{Key: aws.String("team"), Value: &tag}},
		})
		if err != nil {
			return "", err
		}
		return *out.TopicArn, nil
	}
	first, err := create("News", "a")
	if err != nil {
		t.Fatal(err)
	}
	if second, err := create("News", "a"); err != nil || second != first {
		t.Errorf("again: %s, %v", second, err)
	}
	_, err = create("Olds", "a")
	wantCode(t, err, "InvalidParameter", "Topic already exists with different attributes")
	_, err = create("News", "b")
	wantCode(t, err, "InvalidParameter", "Topic already exists with different tags")
}

func TestATopicExistsInItsRegionOnly(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	arn := b.topic(c, "news")
	_, err := b.client(vendor, "eu-west-1").Publish(b.ctx, &awssns.PublishInput{TopicArn: &arn, Message: aws.String("x")})
	wantCode(t, err, "InvalidParameter", "Invalid parameter: TopicArn")
}

func TestADeletedTopicDoesNotExist(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	arn := b.topic(c, "news")
	for range 2 { // the second one succeeds without a topic
		if _, err := c.DeleteTopic(b.ctx, &awssns.DeleteTopicInput{TopicArn: &arn}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.GetTopicAttributes(b.ctx, &awssns.GetTopicAttributesInput{TopicArn: &arn})
	wantCode(t, err, "NotFound", "Topic does not exist")
	_, err = c.ListTagsForResource(b.ctx, &awssns.ListTagsForResourceInput{ResourceArn: &arn})
	wantCode(t, err, "ResourceNotFound", "")
}

func TestTopicsAreListedInPages(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	for i := range 101 {
		b.topic(c, fmt.Sprintf("topic-%03d", i))
	}
	count := 0
	pages := awssns.NewListTopicsPaginator(c, &awssns.ListTopicsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		count += len(page.Topics)
	}
	if count != 101 {
		t.Errorf("the pages have %d topics", count)
	}
}

func TestTopicTagsAreAddedAndRemoved(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	arn := b.topic(c, "news")
	if _, err := c.TagResource(b.ctx, &awssns.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{
		{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(b.ctx, &awssns.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	got, err := c.ListTagsForResource(b.ctx, &awssns.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil || len(got.Tags) != 1 || *got.Tags[0].Key != "b" || *got.Tags[0].Value != "2" {
		t.Errorf("tags are %v, %v", got, err)
	}
}

const newsARN = "arn:aws:sns:us-east-1:111111111111:news"

func statement(sid, principal, action, resource string) string {
	return fmt.Sprintf(`{"Sid":%q,"Effect":"Allow","Principal":%s,"Action":%s,"Resource":%s}`, sid, principal, action, resource)
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func TestATopicPolicyIsCheckedWhenItIsSet(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	b.topic(c, "news")
	const anyPrincipal, publish = `{"AWS":"*"}`, `"SNS:Publish"`
	this := `"` + newsARN + `"`
	many := func(n int, pad string) string {
		var all []string
		for i := range n {
			all = append(all, statement(fmt.Sprintf("s%d%s", i, pad), anyPrincipal, publish, this))
		}
		return document(all...)
	}
	for name, tt := range map[string]struct{ document, text string }{
		"good":                        {document(statement("a", anyPrincipal, publish, this)), ""},
		"known account":               {document(statement("a", `{"AWS":"222222222222"}`, publish, this)), ""},
		"known role":                  {document(statement("a", `{"AWS":"arn:aws:iam::222222222222:role/deployer"}`, publish, this)), ""},
		"service":                     {document(statement("a", `{"Service":"cloudformation.amazonaws.com"}`, publish, this)), ""},
		"100 statements":              {many(100, ""), ""},
		"empty":                       {"", "Policy Error: null"},
		"not JSON":                    {"{", "Policy Error: null"},
		"no statements":               {document(), "Policy Error: null"},
		"two statements with one Sid": {document(statement("a", anyPrincipal, publish, this), statement("a", anyPrincipal, publish, this)), "Policy Error: null"},
		"unknown account":             {document(statement("ok", anyPrincipal, publish, this), statement("a", `{"AWS":["222222222222","999999999999"]}`, publish, this)), "Policy Error: PrincipalNotFound"},
		"unknown root":                {document(statement("a", `{"AWS":"arn:aws:iam::999999999999:root"}`, publish, this)), "Policy Error: PrincipalNotFound"},
		"unknown role":                {document(statement("a", `{"AWS":"arn:aws:iam::222222222222:role/missing"}`, publish, this)), "Policy Error: PrincipalNotFound"},
		"every action":                {document(statement("a", anyPrincipal, `"SNS:*"`, this)), "action out of service scope"},
		"an account's action":         {document(statement("a", anyPrincipal, `["SNS:Publish","SNS:CreateTopic"]`, this)), "action out of service scope"},
		"another service":             {document(statement("a", anyPrincipal, `"SQS:Publish"`, this)), "action out of service scope"},
		"two resources":               {document(statement("a", anyPrincipal, publish, "["+this+","+this+"]")), "single resource"},
		"another topic":               {document(statement("a", anyPrincipal, publish, `"`+newsARN+`s"`)), "not this topic"},
		"every topic":                 {document(statement("a", anyPrincipal, publish, `"*"`)), "not this topic"},
		"101 statements":              {many(101, ""), "100 statements"},
		"longer than 30 KB":           {many(100, strings.Repeat("x", 200)), "30720 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			before := attributesOf(b, c, newsARN)["Policy"]
			err := setPolicy(b, c, newsARN, tt.document)
			if tt.text == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantCode(t, err, "InvalidParameter", "Invalid parameter: ")
			wantCode(t, err, "InvalidParameter", tt.text)
			if after := attributesOf(b, c, newsARN)["Policy"]; after != before {
				t.Error("the refused document changed the policy")
			}
		})
	}
}

func TestAccountIDsAreReturnedAsRootARNs(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	arn := b.topic(c, "news")
	if err := setPolicy(b, c, arn, document(
		statement("a", `{"AWS":["222222222222","*"]}`, `"SNS:Publish"`, `"`+newsARN+`"`),
		statement("b", `"*"`, `"SNS:Publish"`, `"`+newsARN+`"`),
	)); err != nil {
		t.Fatal(err)
	}
	want := document(
		statement("a", `{"AWS":["arn:aws:iam::222222222222:root","*"]}`, `"SNS:Publish"`, `"`+newsARN+`"`),
		statement("b", `"*"`, `"SNS:Publish"`, `"`+newsARN+`"`),
	)
	if d := cmp.Diff(decodeJSON(t, want), decodeJSON(t, attributesOf(b, c, arn)["Policy"])); d != "" {
		t.Error(d)
	}
}

func TestPermissionsAreAddedAndRemovedByLabel(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	arn := b.topic(c, "news")
	add := func(label string, account string, actions ...string) error {
		_, err := c.AddPermission(b.ctx, &awssns.AddPermissionInput{TopicArn: &arn, Label: &label, AWSAccountId: []string{account}, ActionName: actions})
		return err
	}
	if err := add("one", customer, "Publish"); err != nil {
		t.Fatal(err)
	}
	if err := add("two", stranger, "Publish", "Subscribe"); err != nil {
		t.Fatal(err)
	}
	statements, _ := decodeJSON(t, attributesOf(b, c, arn)["Policy"]).(map[string]any)["Statement"].([]any)
	want := decodeJSON(t, `[
		{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"SNS:Publish","Resource":"`+newsARN+`"},
		{"Sid":"two","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::333333333333:root"},"Action":["SNS:Publish","SNS:Subscribe"],"Resource":"`+newsARN+`"}]`)
	if len(statements) != 3 || cmp.Diff(want, any(statements[1:])) != "" {
		t.Fatalf("statements are %v", statements)
	}
	wantCode(t, add("one", customer, "Publish"), "InvalidParameter", "Invalid parameter: Statement already exists")
	wantCode(t, add("three", customer, "CreateTopic"), "InvalidParameter", "Policy statement action out of service scope!")
	wantCode(t, add("three", "999999999999", "Publish"), "InvalidParameter", "PrincipalNotFound")
	for _, label := range []string{"one", "unknown"} {
		if _, err := c.RemovePermission(b.ctx, &awssns.RemovePermissionInput{TopicArn: &arn, Label: &label}); err != nil {
			t.Error(err)
		}
	}
	if policy := attributesOf(b, c, arn)["Policy"]; strings.Contains(policy, `"one"`) || !strings.Contains(policy, `"two"`) {
		t.Errorf("policy is %s", policy)
	}
	nowhere := newsARN + "-else"
	_, err := c.AddPermission(b.ctx, &awssns.AddPermissionInput{TopicArn: &nowhere, Label: aws.String("x"), AWSAccountId: []string{customer}, ActionName: []string{"Publish"}})
	wantCode(t, err, "NotFound", "Topic does not exist")
}

func TestAClosedAccountBlocksEveryLaterChangeOfThePolicy(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	arn := b.topic(c, "news")
	if _, err := c.AddPermission(b.ctx, &awssns.AddPermissionInput{TopicArn: &arn, Label: aws.String("x"), AWSAccountId: []string{stranger}, ActionName: []string{"Publish"}}); err != nil {
		t.Fatal(err)
	}
	b.accounts[stranger] = false
	_, err := c.AddPermission(b.ctx, &awssns.AddPermissionInput{TopicArn: &arn, Label: aws.String("y"), AWSAccountId: []string{customer}, ActionName: []string{"Publish"}})
	wantCode(t, err, "InvalidParameter", "PrincipalNotFound")
}

func TestUnimplementedFeaturesAreRefused(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	arn := b.topic(c, "news")
	set := func(name, value string) error {
		_, err := c.SetTopicAttributes(b.ctx, &awssns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: &name, AttributeValue: &value})
		return err
	}
	if err := set("KmsMasterKeyId", "alias/aws/sns"); err != nil {
		t.Error(err)
	}
	_, err := c.Publish(b.ctx, &awssns.PublishInput{TopicArn: &arn, Message: aws.String("x")})
	wantCode(t, err, "InvalidParameter", "encrypted topic")
	wantCode(t, set("Colour", "red"), "InvalidParameter", "AttributeName")
	wantCode(t, set("SignatureVersion", "3"), "InvalidParameter", "SignatureVersion")
	if err := set("KmsMasterKeyId", ""); err != nil {
		t.Errorf("switching off a feature that is not implemented: %v", err)
	}
	if _, err := c.Publish(b.ctx, &awssns.PublishInput{TopicArn: &arn, Message: aws.String("x")}); err != nil {
		t.Errorf("without the key again: %v", err)
	}
	_, err = c.CreateTopic(b.ctx, &awssns.CreateTopicInput{Name: aws.String("x.fifo"), Attributes: map[string]string{"FifoTopic": "true"}})
	wantCode(t, err, "InvalidParameter", "Topic Name")
	_, err = c.PublishBatch(b.ctx, &awssns.PublishBatchInput{TopicArn: &arn, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{{Id: aws.String("a"), Message: aws.String("x")}}})
	wantCode(t, err, "InvalidAction", "PublishBatch")
	_, err = c.Publish(b.ctx, &awssns.PublishInput{PhoneNumber: aws.String("+491700000000"), Message: aws.String("x")})
	wantCode(t, err, "InvalidParameter", "does not implement")
	_, err = c.Subscribe(b.ctx, &awssns.SubscribeInput{TopicArn: &arn, Protocol: aws.String("https"), Endpoint: aws.String("https://example.com")})
	wantCode(t, err, "InvalidParameter", "does not implement")
}
