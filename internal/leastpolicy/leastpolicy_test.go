// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// roles are the policies of this package, with what a caller must be able to do under each.
var roles = map[string]role{
	"registrar": {nil, leastpolicy.Registrar, func(w *world) error { return w.registrarStory() }},
	"function":  {nil, leastpolicy.RegistrarFunction, (*world).functionStory},
	"operator":  {nil, leastpolicy.Operator, (*world).operatorStory},
	"provider":  {[]account.Region{virginia, ireland, oregon}, leastpolicy.Provider, (*world).providerStory},
}

type role struct {
	regions []account.Region // Regions of the topics in the policy
	write   func(leastpolicy.Parts) (iampolicy.Document, error)
	story   func(*world) error
}

// policy returns the role's policy for a hub whose table and queues have a KMS key.
func (r role) policy(t *testing.T, key account.KMSKeyARN) iampolicy.Document {
	t.Helper()
	parts := acme(r.regions...)
	parts.KMSKey = key
	document, err := r.write(parts)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestEachPolicyIsSufficientAndCompletelyUsed(t *testing.T) {
	t.Parallel()
	for name, role := range roles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var policy iampolicy.Document
			w := newWorld(t, func(key account.KMSKeyARN) iampolicy.Document {
				policy = role.policy(t, key)
				return policy
			})
			if err := role.story(w); err != nil {
				t.Error(err)
			}
			for _, refused := range w.refusals() {
				t.Errorf("missing from the policy: %s", refused)
			}
			for _, pair := range w.unused(policy) {
				t.Errorf("in the policy, but never used: %s", pair)
			}
		})
	}
}

func TestWithoutAnyActionTheErrorNamesIt(t *testing.T) {
	t.Parallel()
	for name, role := range roles {
		someKey := account.KMSKeyARN{Region: virginia, Account: vendor, Key: "12345678-1234-1234-1234-123456789012"}
		for _, action := range actions(role.policy(t, someKey)) {
			t.Run(name+" without "+action, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, func(key account.KMSKeyARN) iampolicy.Document { return without(role.policy(t, key), action) })
				err := role.story(w)
				if err == nil {
					t.Fatalf("everything works without %s", action)
				}
				refused := strings.Join(w.refusals(), "\n")
				if !strings.Contains(refused, action+" on ") {
					t.Errorf("it failed, but not because %s was refused (refused: %s): %v", action, refused, err)
				}
				told := strings.ToLower(err.Error() + w.everything())
				if !strings.Contains(told, strings.ToLower(action)+" on ") {
					t.Errorf("neither error nor log names %s and its resource: %s", action, told)
				}
			})
		}
	}
}

func TestTheRegistrarMayAssumeOnlyTheTrustedPrincipal(t *testing.T) {
	t.Parallel()
	h := acme()
	h.Principals = []account.RoleARN{{Partition: virginia.Partition(), Account: vendor, Path: "/", Name: "acme-prover"}}
	var policy iampolicy.Document
	w := newWorld(t, func(key account.KMSKeyARN) iampolicy.Document {
		var err error
		h.KMSKey = key
		if policy, err = leastpolicy.Registrar(h); err != nil {
			t.Fatal(err)
		}
		return policy
	})
	w.makeRole("acme-prover")
	if err := w.registrarStory(h.Principals...); err != nil {
		t.Error(err)
	}
	for _, refused := range w.refusals() {
		t.Errorf("missing from the policy: %s", refused)
	}
	for _, pair := range w.unused(policy) {
		t.Errorf("in the policy, but never used: %s", pair)
	}
}

func TestNoPolicyAllowsAnotherHubOrAnotherRoleOfTheVendor(t *testing.T) {
	t.Parallel()
	for name, role := range roles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(key account.KMSKeyARN) iampolicy.Document { return role.policy(t, key) })
			w.makeRole("administrator")
			ctx := t.Context()
			// The names are as close as possible: the other hub's begins with this one's.
			neighbour := registry.New(w.caller.DynamoDB(), "acme-0", w.Clock().Now)
			topic := aws.String("arn:aws:sns:us-east-1:111111111111:xacct-acme-0-0")
			for what, attempt := range map[string]func() error{
				"the registry of another hub": func() error { _, err := neighbour.Hub(ctx); return err },
				"the queue of another hub": func() error {
					_, err := w.caller.SQS(virginia).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(w.URL() + "/111111111111/xacct-acme-0")})
					return err
				},
				"the topic of another hub": func() error {
					_, err := w.caller.SNS(virginia).DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: topic})
					return err
				},
				"the bucket of another hub": func() error {
					_, err := w.caller.S3().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("xacct-acme-0-0123456789abcdef")})
					return err
				},
				"a role of the vendor": func() error {
					_, err := w.caller.STS(virginia).AssumeRole(ctx, &sts.AssumeRoleInput{
						RoleArn: aws.String("arn:aws:iam::111111111111:role/administrator"), RoleSessionName: aws.String("climb"),
					})
					return err
				},
				"the hub's key, without a service in between": func() error {
					_, err := kms.New(kms.Options{
						Region: virginia.String(), BaseEndpoint: aws.String(w.URL()),
						Credentials: credentials.NewStaticCredentialsProvider(w.keys.AccessKeyID, w.keys.SecretAccessKey, ""),
					}).GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: aws.String(w.key.String()), KeySpec: "AES_256"})
					return err
				},
				"another subscriber": func() error {
					_, err := w.caller.SNS(virginia).Subscribe(ctx, &sns.SubscribeInput{
						TopicArn: aws.String("arn:aws:sns:us-east-1:111111111111:xacct-acme-0"), Protocol: aws.String("sqs"),
						Endpoint: aws.String("arn:aws:sqs:us-east-1:111111111111:elsewhere"),
					})
					return err
				},
			} {
				if err := attempt(); !awsclient.IsAccessDenied(err) {
					t.Errorf("%s is not refused: %v", what, err)
				}
			}
		})
	}
}

func TestTheProvidersPolicyForAllDefaultRegionsFitsAManagedPolicy(t *testing.T) {
	t.Parallel()
	var regions []account.Region
	for _, name := range []string{
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
		"eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
	} {
		regions = append(regions, parse(account.ParseRegion, name))
	}
	policy, err := leastpolicy.Provider(acme(regions...))
	if err != nil {
		t.Fatal(err)
	}
	if size, err := iampolicy.Size(policy.String()); err != nil || size > iampolicy.MaxManagedSize {
		t.Errorf("it has %d characters, but IAM allows %d (%v)", size, iampolicy.MaxManagedSize, err)
	}
}

func TestAPolicyRequiresTheHubsParts(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*leastpolicy.Parts){
		"without an account":     func(h *leastpolicy.Parts) { h.Account = account.ID{} },
		"without a Region":       func(h *leastpolicy.Parts) { h.Region = account.Region{} },
		"without a queue":        func(h *leastpolicy.Parts) { h.Queue = "" },
		"without topics":         func(h *leastpolicy.Parts) { h.Topics = nil },
		"without a bucket":       func(h *leastpolicy.Parts) { h.Bucket = "" },
		"with a foreign topic":   func(h *leastpolicy.Parts) { h.Topics[0].Account = globex },
		"with another's key":     func(h *leastpolicy.Parts) { h.KMSKey = account.KMSKeyARN{Region: ireland, Account: vendor, Key: "k"} },
		"across partitions":      func(h *leastpolicy.Parts) { h.Region = parse(account.ParseRegion, "cn-north-1") },
		"with too many to write": func(h *leastpolicy.Parts) { h.Topics = many(300) },
	} {
		h := acme(virginia)
		broken(&h)
		if document, err := leastpolicy.Provider(h); err == nil {
			t.Errorf("%s: got a policy: %s", name, document)
		}
	}
}

func many(n int) []account.TopicARN {
	var topics []account.TopicARN
	for shard := range n {
		topics = append(topics, account.TopicARN{Region: virginia, Account: vendor, Name: hub.TopicName("acme", shard)})
	}
	return topics
}
