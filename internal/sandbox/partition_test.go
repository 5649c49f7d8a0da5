// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// otherRegions are Regions outside the commercial partition, each with an account
// in its partition.
var otherRegions = []struct{ region, partition, account, console, suffix, globalRegion string }{
	{"us-gov-west-1", "aws-us-gov", "300000000001", "amazonaws-us-gov.com", "amazonaws.com", "us-gov-west-1"},
	{"us-gov-east-1", "aws-us-gov", "300000000001", "amazonaws-us-gov.com", "amazonaws.com", "us-gov-west-1"},
	{"cn-north-1", "aws-cn", "300000000002", "amazonaws.cn", "amazonaws.com.cn", "cn-north-1"},
	{"cn-northwest-1", "aws-cn", "300000000002", "amazonaws.cn", "amazonaws.com.cn", "cn-north-1"},
	{"eusc-de-east-1", "aws-eusc", "300000000003", "amazonaws-eusc.eu", "amazonaws.eu", "eusc-de-east-1"},
}

func TestALaunchedLinkPhonesHomeInEveryPartition(t *testing.T) {
	for _, other := range otherRegions {
		t.Run(other.region, func(t *testing.T) {
			in := newIntakeIn(t, other.region, other.console)
			id := in.launch(LaunchOptions{})
			if !strings.HasPrefix(id, "arn:"+other.partition+":cloudformation:"+other.region+":"+customer+":stack/") {
				t.Errorf("the stack is %s", id)
			}
			r := in.next()
			properties := r["ResourceProperties"].(map[string]any)
			if want := "arn:" + other.partition + ":sns:" + other.region + ":" + vendor + ":xacct-acme-0"; in.topic != want || properties["ServiceToken"] != want {
				t.Errorf("the topic is %s, and the ServiceToken %s", in.topic, properties["ServiceToken"])
			}
			role := "arn:" + other.partition + ":iam::" + customer + ":role/acme-access"
			if properties["RoleArn"] != role {
				t.Errorf("the role is %s", properties["RoleArn"])
			}
			answerTo, err := url.Parse(r["ResponseURL"].(string))
			in.check(err)
			if want := "cloudformation-custom-resource-response-" + strings.ReplaceAll(other.region, "-", "") + ".s3." + other.region + "." + other.suffix; answerTo.Host != want {
				t.Errorf("the answer goes to %s, not to %s", answerTo.Host, want)
			}
			if want := "https://sns." + other.region + "." + other.suffix + "/SimpleNotificationService-"; !strings.HasPrefix(in.signedBy, want) {
				t.Errorf("the message's certificate is at %s, not at %s…", in.signedBy, want)
			}
			in.succeed(r, "xacct-1")
			in.settled(id, "CREATE_COMPLETE")
			c := as(t, in.box, vendor)
			c.Region = other.region
			assumed, err := sts.NewFromConfig(c).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("proof"), ExternalId: aws.String("abc123")})
			in.check(err)
			if got := aws.ToString(assumed.AssumedRoleUser.Arn); got != "arn:"+other.partition+":sts::"+customer+":assumed-role/acme-access/proof" {
				t.Errorf("the session is %s", got)
			}
		})
	}
}

func TestIAMIsInOneRegionOfEachPartition(t *testing.T) {
	for _, other := range otherRegions {
		s := start(t)
		if err := s.OpenAccount(other.account, other.partition); err != nil {
			t.Fatal(err)
		}
		c := as(t, s, other.account)
		c.Region = other.region
		if _, err := iam.NewFromConfig(c).ListRoles(t.Context(), nil); err != nil {
			t.Error(err)
		}
		for _, e := range s.Journal().Since(0) {
			if e.Service == "iam" && e.Region != other.globalRegion {
				t.Errorf("IAM of %s was called in %s", other.region, e.Region)
			}
		}
	}
}

func TestAKeyIsUnknownOutsideItsPartition(t *testing.T) {
	s := start(t)
	for _, other := range otherRegions {
		if err := s.OpenAccount(other.account, other.partition); err != nil {
			t.Fatal(err)
		}
		for account, region := range map[string]string{vendor: other.region, other.account: "eu-west-1"} {
			c := as(t, s, account)
			c.Region = region
			for want, call := range map[string]func() error{
				"InvalidClientTokenId":        func() error { _, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), nil); return err },
				"UnrecognizedClientException": func() error { _, err := dynamodb.NewFromConfig(c).ListTables(t.Context(), nil); return err },
				"InvalidAccessKeyId":          func() error { _, err := s3.NewFromConfig(c).ListBuckets(t.Context(), nil); return err },
			} {
				if got := code(call()); got != want {
					t.Errorf("account %s in %s: %s, want %s", account, region, got, want)
				}
			}
		}
	}
}

func TestAnAccountIsInOnePartition(t *testing.T) {
	s := start(t)
	if err := s.OpenAccount(vendor, "aws-cn"); err == nil || !strings.Contains(err.Error(), "is in the partition aws, not in aws-cn") {
		t.Errorf("opening it in another partition: %v", err)
	}
	if _, err := s.Environment(vendor, "us-gov-west-1"); err == nil || !strings.Contains(err.Error(), "use the account "+vendor+" in us-gov-west-1") {
		t.Errorf("an environment for another partition: %v", err)
	}
	if _, err := s.Environment("300000000009", "cn-north-1"); err != nil {
		t.Error(err)
	}
	if p, err := s.Admin("300000000009"); err != nil || p.Partition() != "aws-cn" {
		t.Errorf("an account that was first used in China is %+v, %v", p, err)
	}
}

func TestNothingCrossesPartitions(t *testing.T) {
	s := start(t)
	const chinese = "300000000002"
	if err := s.OpenAccount(chinese, "aws-cn"); err != nil {
		t.Fatal(err)
	}
	ctx, home, china := t.Context(), as(t, s, vendor), as(t, s, chinese)
	china.Region = "cn-north-1"
	role := func(name, principal string) string {
		_, err := iam.NewFromConfig(china).CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}]}`)})
		return code(err)
	}
	if got := role("r", "*"); got != "" {
		t.Fatal(got)
	}
	attach := func(arn string) string {
		_, err := iam.NewFromConfig(china).AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: &arn})
		return code(err)
	}
	assume := func(arn string) string {
		_, err := sts.NewFromConfig(home).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("over")})
		return code(err)
	}
	topic, err := sns.NewFromConfig(home).CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")})
	if err != nil {
		t.Fatal(err)
	}
	subscribe := func(endpoint string) string {
		_, err := sns.NewFromConfig(home).Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &endpoint})
		return code(err)
	}
	permit := func(account string) string {
		_, err := sns.NewFromConfig(home).AddPermission(ctx, &sns.AddPermissionInput{
			TopicArn: topic.TopicArn, Label: aws.String("l"), AWSAccountId: []string{account}, ActionName: []string{"Publish"},
		})
		return code(err)
	}
	publish := func(arn string) string {
		_, err := sns.NewFromConfig(china).Publish(ctx, &sns.PublishInput{TopicArn: &arn, Message: aws.String("hello")})
		return code(err)
	}
	queue := func(principal string) string {
		_, err := sqs.NewFromConfig(china).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{
			"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sqs:SendMessage","Resource":"*"}]}`,
		}})
		return code(err)
	}
	for name, step := range map[string]struct{ got, want string }{
		"a role that trusts an account elsewhere":          {role("other", "arn:aws:iam::"+vendor+":root"), "MalformedPolicyDocument"},
		"a role that trusts an account by its ID":          {role("other", vendor), "MalformedPolicyDocument"},
		"a role that trusts an ARN of the wrong partition": {role("other", "arn:aws:iam::"+chinese+":root"), "MalformedPolicyDocument"},
		"a managed policy by its commercial ARN":           {attach("arn:aws:iam::aws:policy/ReadOnlyAccess"), "InvalidInput"},
		"a managed policy by the partition's own ARN":      {attach("arn:aws-cn:iam::aws:policy/ReadOnlyAccess"), ""},
		"assuming a role that trusts every principal":      {assume("arn:aws-cn:iam::" + chinese + ":role/r"), "AccessDenied"},
		"assuming it by a commercial ARN":                  {assume("arn:aws:iam::" + chinese + ":role/r"), "AccessDenied"},
		"subscribing a queue":                              {subscribe("arn:aws-cn:sqs:cn-north-1:" + chinese + ":q"), "InvalidParameter"},
		"letting an account publish":                       {permit(chinese), "InvalidParameter"},
		"publishing":                                       {publish(aws.ToString(topic.TopicArn)), "InvalidParameter"},
		"a queue for an account elsewhere":                 {queue("arn:aws:iam::" + vendor + ":root"), "InvalidAttributeValue"},
	} {
		if step.got != step.want {
			t.Errorf("%s: %q, want %q", name, step.got, step.want)
		}
	}
}

func TestATemplateComesFromItsOwnPartition(t *testing.T) {
	in := newIntakeIn(t, "cn-north-1", "amazonaws.cn")
	for host, accepted := range map[string]bool{
		"s3.cn-north-1.amazonaws.com.cn": true,
		"s3.cn-north-1.amazonaws.com":    false,
		"s3.eu-west-1.amazonaws.com":     false,
		"s3.amazonaws.com":               false,
		"s3.amazonaws.com.cn":            false,
	} {
		link := strings.Replace(in.link, url.QueryEscape("s3.cn-north-1."+kernel.URLSuffix("cn-north-1")), url.QueryEscape(host), 1)
		_, err := in.box.LaunchURL(t.Context(), link, customer, LaunchOptions{StackName: "s" + strings.ReplaceAll(host, ".", "-")})
		if accepted && err != nil || !accepted && (err == nil || !strings.Contains(err.Error(), "TemplateURL must be a supported URL.")) {
			t.Errorf("a template at %s: %v", host, err)
		}
	}
}
