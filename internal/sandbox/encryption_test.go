// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// encrypted is a sandbox with a topic, and a subscribed queue that is encrypted
// with a KMS key.
type encrypted struct {
	t                      *testing.T
	s                      *Sandbox
	admin                  Credentials
	topic, queue, queueARN string
	key                    string
}

func newEncrypted(t *testing.T, keyPolicy string) *encrypted {
	t.Helper()
	e := &encrypted{t: t, s: start(t)}
	var err error
	e.admin, err = e.s.Credentials(VendorAccount)
	e.check(err)
	e.key, err = Client{URL: e.s.URL()}.NewKey(t.Context(), KeyRequest{Account: VendorAccount, Region: "eu-west-1", Policy: keyPolicy})
	e.check(err)
	topic, err := e.sns(e.admin).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news")})
	e.check(err)
	e.topic = *topic.TopicArn
	e.queueARN = "arn:aws:sqs:eu-west-1:" + VendorAccount + ":inbox"
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q},"StringEquals":{"aws:SourceAccount":%q}}}]}`, e.queueARN, e.topic, VendorAccount)
	queue, err := e.sqs(e.admin).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("inbox"), Attributes: map[string]string{"Policy": policy, "KmsMasterKeyId": e.key}})
	e.check(err)
	e.queue = *queue.QueueUrl
	_, err = e.sns(e.admin).Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &e.topic, Protocol: aws.String("sqs"), Endpoint: &e.queueARN})
	e.check(err)
	return e
}

func (e *encrypted) check(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *encrypted) wantCode(err error, code string) {
	e.t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		e.t.Fatalf("got %v, want %s", err, code)
	}
}

func keysOf(c Credentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}

func (e *encrypted) sns(c Credentials) *sns.Client {
	return sns.New(sns.Options{Region: "eu-west-1", HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(e.s.URL()), RetryMaxAttempts: 1, Credentials: keysOf(c)})
}

func (e *encrypted) sqs(c Credentials) *sqs.Client {
	return sqs.New(sqs.Options{Region: "eu-west-1", HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(e.s.URL()), RetryMaxAttempts: 1, Credentials: keysOf(c)})
}

func (e *encrypted) kms() *kms.Client {
	return kms.New(kms.Options{Region: "eu-west-1", HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(e.s.URL()), RetryMaxAttempts: 1, Credentials: keysOf(e.admin)})
}

func (e *encrypted) publish() {
	e.t.Helper()
	_, err := e.sns(e.admin).Publish(e.t.Context(), &sns.PublishInput{TopicArn: &e.topic, Message: aws.String("hello")})
	e.check(err)
}

func (e *encrypted) receive(c Credentials) ([]sqstypes.Message, error) {
	out, err := e.sqs(c).ReceiveMessage(e.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &e.queue, MaxNumberOfMessages: 10, VisibilityTimeout: 0})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// keyPolicy returns a key policy that delegates to the account's IAM policies, with
// more statements.
func keyPolicy(more string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}` + more + `]}`
}

const forSNS = `,{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":["kms:GenerateDataKey*","kms:Decrypt"],"Resource":"*","Condition":{"StringEquals":{"aws:SourceAccount":"111111111111"}}}`

func TestSNSLosesMessagesThatTheQueuesKeyRefuses(t *testing.T) {
	t.Parallel()
	e := newEncrypted(t, keyPolicy(""))
	e.publish()
	if got, err := e.receive(e.admin); err != nil || len(got) != 0 {
		t.Errorf("a message arrived although SNS may not use the key: %v, %v", got, err)
	}
	metrics, err := Client{URL: e.s.URL()}.TopicMetrics(t.Context(), e.topic)
	e.check(err)
	if metrics.Published != 1 || metrics.Failed != 1 || metrics.Delivered != 0 {
		t.Errorf("the topic counts %+v", metrics)
	}
	note := ""
	for _, entry := range e.s.Journal().Since(0) {
		if entry.Action == "Delivery" {
			note = entry.Outcome + ": " + entry.Note
		}
	}
	if !strings.Contains(note, "KmsAccessDenied") || !strings.Contains(note, "kms:GenerateDataKey") || !strings.Contains(note, "dropped") {
		t.Errorf("the journal's note is %q", note)
	}
	// After the key policy is corrected, the next message arrives; the lost one
	// does not.
	policy := keyPolicy(forSNS)
	_, err = e.kms().PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: &e.key, Policy: &policy})
	e.check(err)
	e.publish()
	if got, err := e.receive(e.admin); err != nil || len(got) != 1 {
		t.Errorf("received %d messages, %v", len(got), err)
	}
	if metrics := e.s.TopicMetrics(e.topic); metrics.Failed != 1 || metrics.Delivered != 1 {
		t.Errorf("the topic counts %+v", metrics)
	}
}

func TestSNSLosesMessagesThatTheQueuesPolicyRefuses(t *testing.T) {
	t.Parallel()
	e := newEncrypted(t, keyPolicy(forSNS))
	_, err := e.sqs(e.admin).SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &e.queue, Attributes: map[string]string{"Policy": ""}})
	e.check(err)
	e.publish()
	if metrics := e.s.TopicMetrics(e.topic); metrics.Failed != 1 {
		t.Errorf("the topic counts %+v", metrics)
	}
}

func TestSNSCannotUseAWSsOwnKeyForSQS(t *testing.T) {
	t.Parallel()
	e := newEncrypted(t, keyPolicy(forSNS))
	_, err := e.sqs(e.admin).SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &e.queue, Attributes: map[string]string{"KmsMasterKeyId": "alias/aws/sqs"}})
	e.check(err)
	e.publish()
	if metrics := e.s.TopicMetrics(e.topic); metrics.Failed != 1 {
		t.Errorf("the topic counts %+v", metrics)
	}
	// Callers of the account itself can use it.
	_, err = e.sqs(e.admin).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &e.queue, MessageBody: aws.String("hello")})
	e.check(err)
}

func TestEveryCallerOfAnEncryptedQueueNeedsItsKey(t *testing.T) {
	t.Parallel()
	e := newEncrypted(t, keyPolicy(forSNS))
	withKey := func(name, actions string) Credentials {
		c, err := e.s.NewUser(VendorAccount, name, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"},
			{"Effect":"Allow","Action":[`+actions+`],"Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"sqs.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:sqs:arn":"`+e.queueARN+`"}}}]}`)
		e.check(err)
		return c
	}
	send := func(c Credentials) error {
		_, err := e.sqs(c).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &e.queue, MessageBody: aws.String("hello")})
		return err
	}
	reader, sender, partial := withKey("reader", `"kms:Decrypt"`), withKey("sender", `"kms:GenerateDataKey","kms:Decrypt"`), withKey("partial", `"kms:GenerateDataKey"`)
	e.wantCode(send(reader), "KMS.AccessDeniedException")
	e.wantCode(send(partial), "KMS.AccessDeniedException")
	e.check(send(sender))
	_, err := e.receive(partial)
	e.wantCode(err, "KMS.AccessDeniedException")
	got, err := e.receive(reader)
	if err != nil || len(got) != 1 {
		t.Fatalf("a refused receive hid the message: %v, %v", got, err)
	}
	_, err = e.kms().DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &e.key})
	e.check(err)
	e.wantCode(send(sender), "KMS.DisabledException")
}

func TestAQueueHasOneKindOfEncryption(t *testing.T) {
	t.Parallel()
	e := newEncrypted(t, keyPolicy(forSNS))
	set := func(attributes map[string]string) error {
		_, err := e.sqs(e.admin).SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &e.queue, Attributes: attributes})
		return err
	}
	attributes := func() map[string]string {
		out, err := e.sqs(e.admin).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &e.queue, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
		e.check(err)
		return out.Attributes
	}
	if got := attributes(); got["KmsMasterKeyId"] != e.key || got["SqsManagedSseEnabled"] != "false" || got["KmsDataKeyReusePeriodSeconds"] != "300" {
		t.Errorf("got %v", got)
	}
	e.wantCode(set(map[string]string{"KmsMasterKeyId": e.key, "SqsManagedSseEnabled": "true"}), "InvalidAttributeValue")
	e.wantCode(set(map[string]string{"KmsDataKeyReusePeriodSeconds": "59"}), "InvalidAttributeValue")
	e.check(set(map[string]string{"SqsManagedSseEnabled": "true"}))
	if got := attributes(); got["KmsMasterKeyId"] != "" || got["SqsManagedSseEnabled"] != "true" {
		t.Errorf("got %v", got)
	}
}

func TestEveryCallerOfAnEncryptedTableNeedsItsKey(t *testing.T) {
	t.Parallel()
	e := newEncrypted(t, keyPolicy(""))
	client := func(c Credentials) *dynamodb.Client {
		return dynamodb.New(dynamodb.Options{Region: "eu-west-1", HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(e.s.URL()), RetryMaxAttempts: 1, Credentials: keysOf(c)})
	}
	create := func(c Credentials, name string) error {
		_, err := client(c).CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: dynamodbtypes.BillingModePayPerRequest,
			AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
			KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
			SSESpecification:     &dynamodbtypes.SSESpecification{Enabled: aws.Bool(true), SSEType: dynamodbtypes.SSETypeKms, KMSMasterKeyId: &e.key},
		})
		return err
	}
	user := func(name, actions string) Credentials {
		c, err := e.s.NewUser(VendorAccount, name, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"},
			{"Effect":"Allow","Action":[`+actions+`],"Resource":"`+e.key+`","Condition":{"StringEquals":{"kms:ViaService":"dynamodb.eu-west-1.amazonaws.com"}}}]}`)
		e.check(err)
		return c
	}
	e.wantCode(create(user("without", `"kms:Decrypt"`), "hub"), "AccessDeniedException")
	e.check(create(user("owner", `"kms:DescribeKey","kms:CreateGrant","kms:GenerateDataKey"`), "hub"))
	put := func(c Credentials) error {
		_, err := client(c).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("hub"), Item: map[string]dynamodbtypes.AttributeValue{"pk": &dynamodbtypes.AttributeValueMemberS{Value: "a"}}})
		return err
	}
	e.check(put(user("writer", `"kms:Decrypt"`)))
	stranger := user("stranger", `"kms:DescribeKey"`)
	e.wantCode(put(stranger), "AccessDeniedException")
	described, err := client(e.admin).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("hub")})
	e.check(err)
	if sse := described.Table.SSEDescription; sse == nil || *sse.KMSMasterKeyArn != e.key {
		t.Errorf("the table's encryption is %+v", sse)
	}
	grants, err := e.kms().ListGrants(t.Context(), &kms.ListGrantsInput{KeyId: &e.key})
	if err != nil || len(grants.Grants) != 1 || *grants.Grants[0].GranteePrincipal != "dynamodb.eu-west-1.amazonaws.com" {
		t.Errorf("the key's grants are %v, %v", grants, err)
	}
	_, err = client(e.admin).UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: aws.String("hub"), SSESpecification: &dynamodbtypes.SSESpecification{Enabled: aws.Bool(false)}})
	e.check(err)
	e.check(put(stranger))
}

// withoutTLS marks a client's requests as sent without TLS.
func withoutTLS(stack *middleware.Stack) error {
	return smithyhttp.AddHeaderValue("X-Forwarded-Proto", "http")(stack)
}

func TestAPolicyCanRequireTLS(t *testing.T) {
	t.Parallel()
	e := newEncrypted(t, keyPolicy(forSNS))
	deny := `{"Effect":"Deny","Principal":"*","Action":%q,"Resource":%q,"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	topicPolicy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[`+deny+`]}`, "SNS:Publish", e.topic)
	_, err := e.sns(e.admin).SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: &e.topic, AttributeName: aws.String("Policy"), AttributeValue: &topicPolicy})
	e.check(err)
	e.publish()
	_, err = e.sns(e.admin).Publish(t.Context(), &sns.PublishInput{TopicArn: &e.topic, Message: aws.String("hello")}, func(o *sns.Options) { o.APIOptions = append(o.APIOptions, withoutTLS) })
	e.wantCode(err, "AuthorizationError")
	if metrics := e.s.TopicMetrics(e.topic); metrics.Published != 1 || metrics.Delivered != 1 {
		t.Errorf("the topic counts %+v", metrics)
	}
	queuePolicy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[`+deny+`]}`, "sqs:*", e.queueARN)
	_, err = e.sqs(e.admin).SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &e.queue, Attributes: map[string]string{"Policy": queuePolicy}})
	e.check(err)
	_, err = e.receive(e.admin)
	e.check(err)
	_, err = e.sqs(e.admin).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &e.queue}, func(o *sqs.Options) { o.APIOptions = append(o.APIOptions, withoutTLS) })
	e.wantCode(err, "AccessDenied")
	// The header is compared in any letter case.
	for proto, want := range map[string]string{"": "true", "https": "true", "http": "false", "HTTP": "false"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.s.URL(), http.NoBody)
		e.check(err)
		r.Header.Set("X-Forwarded-Proto", proto)
		if got := kernel.SecureTransport(r); got != want {
			t.Errorf("X-Forwarded-Proto %q means %s, want %s", proto, got, want)
		}
	}
}
