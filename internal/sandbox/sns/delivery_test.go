// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// topicAndQueue creates a topic, and a queue of the vendor that accepts its
// messages.
func topicAndQueue(b *bench, c *awssns.Client) (topicARN, queueARN, queueURL string) {
	topicARN = b.topic(c, "news")
	queueARN, queueURL = b.queue("inbox", home, "sns.amazonaws.com", topicARN)
	return topicARN, queueARN, queueURL
}

func TestANotificationArrivesInAWSsEnvelope(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic, queue, inbox := topicAndQueue(b, c)
	sub := b.subscribe(c, topic, queue, nil)
	message := `{"RequestType":"Create","Note":"<a> & ümlaut"}`
	out, err := c.Publish(b.ctx, &awssns.PublishInput{
		TopicArn: &topic, Message: &message, Subject: aws.String("AWS CloudFormation custom resource request"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"colour": {DataType: aws.String("String"), StringValue: aws.String("red")},
			"blob":   {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := b.drain(inbox, home)
	if len(got) != 1 {
		t.Fatalf("%d messages arrived\n%s", len(got), b.notes())
	}
	var e map[string]any
	if err := json.Unmarshal([]byte(*got[0].Body), &e); err != nil {
		t.Fatal(err)
	}
	host := "https://sns.us-east-1.amazonaws.com/"
	for name, want := range map[string]string{
		"Type": "Notification", "MessageId": *out.MessageId, "TopicArn": topic, "Message": message,
		"Subject": "AWS CloudFormation custom resource request", "SignatureVersion": "1",
		"UnsubscribeURL": host + "?Action=Unsubscribe&SubscriptionArn=" + sub,
	} {
		if e[name] != want {
			t.Errorf("%s is %q, want %q", name, e[name], want)
		}
	}
	for name, form := range map[string]string{
		"Timestamp":      `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`,
		"SigningCertURL": `^` + regexp.QuoteMeta(host) + `SimpleNotificationService-[0-9a-f]{32}\.pem$`,
	} {
		if text, _ := e[name].(string); !regexp.MustCompile(form).MatchString(text) {
			t.Errorf("%s is %q", name, text)
		}
	}
	attributes, _ := json.Marshal(e["MessageAttributes"])
	if string(attributes) != `{"blob":{"Type":"Binary","Value":"AQI="},"colour":{"Type":"String","Value":"red"}}` {
		t.Errorf("MessageAttributes are %s", attributes)
	}
	if len(got[0].MessageAttributes) != 0 {
		t.Error("the queue message has the attributes that are in the envelope")
	}
	order := []string{"Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL"}
	places := make([]int, 0, len(order))
	for _, name := range order {
		places = append(places, strings.Index(*got[0].Body, `"`+name+`" : `))
	}
	if !slices.IsSorted(places) || places[0] < 0 {
		t.Errorf("the members are not in AWS's order:\n%s", *got[0].Body)
	}
}

// TestSignaturesVerifyWithTheServedCertificate builds the string to sign as
// documented, without the code under test.
func TestSignaturesVerifyWithTheServedCertificate(t *testing.T) {
	for _, tt := range []struct{ version, subject string }{{"1", ""}, {"1", "hello"}, {"2", ""}, {"2", "hello"}} {
		t.Run("version "+tt.version+" subject "+tt.subject, func(t *testing.T) {
			b := start(t)
			c := b.client(vendor, home)
			topic, queue, inbox := topicAndQueue(b, c)
			b.subscribe(c, topic, queue, nil)
			if _, err := c.SetTopicAttributes(b.ctx, &awssns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: aws.String("SignatureVersion"), AttributeValue: &tt.version}); err != nil {
				t.Fatal(err)
			}
			in := &awssns.PublishInput{TopicArn: &topic, Message: aws.String("text")}
			if tt.subject != "" {
				in.Subject = &tt.subject
			}
			if _, err := c.Publish(b.ctx, in); err != nil {
				t.Fatal(err)
			}
			var e struct{ Message, MessageId, Subject, Timestamp, TopicArn, Type, Signature, SignatureVersion, SigningCertURL string }
			if err := json.Unmarshal([]byte(*b.drain(inbox, home)[0].Body), &e); err != nil {
				t.Fatal(err)
			}
			text := "Message\n" + e.Message + "\nMessageId\n" + e.MessageId + "\n"
			if tt.subject != "" {
				text += "Subject\n" + e.Subject + "\n"
			}
			text += "Timestamp\n" + e.Timestamp + "\nTopicArn\n" + e.TopicArn + "\nType\n" + e.Type + "\n"
			signature, err := base64.StdEncoding.DecodeString(e.Signature)
			if err != nil {
				t.Fatal(err)
			}
			key := servedKey(t, b, e.SigningCertURL)
			one, two := sha1.Sum([]byte(text)), sha256.Sum256([]byte(text))
			hash, sum := crypto.SHA1, one[:]
			if tt.version == "2" {
				hash, sum = crypto.SHA256, two[:]
			}
			if err := rsa.VerifyPKCS1v15(key, hash, sum, signature); err != nil || e.SignatureVersion != tt.version {
				t.Errorf("version %s: %v", e.SignatureVersion, err)
			}
		})
	}
}

func servedKey(t *testing.T, b *bench, address string) *rsa.PublicKey {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	b.sns.Certificates().ServeHTTP(w, httptest.NewRequest(http.MethodGet, u.Path, nil))
	block, _ := pem.Decode(w.Body.Bytes())
	if w.Code != http.StatusOK || block == nil {
		t.Fatalf("%s returns %d %s", address, w.Code, w.Body)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := certificate.VerifyHostname(u.Host); err != nil {
		t.Error(err)
	}
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok {
		t.Fatal("the certificate has no RSA key")
	}
	return key
}

func TestAnUnknownCertificateIsNotFound(t *testing.T) {
	b := start(t)
	w := httptest.NewRecorder()
	b.sns.Certificates().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/SimpleNotificationService-0123.pem", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("an unknown certificate has the status %d", w.Code)
	}
}

func TestTopicsOfOtherRegionsDeliverToAQueue(t *testing.T) {
	for _, tt := range []struct{ topicRegion, queueRegion, service string }{
		{"us-east-1", "eu-west-1", "sns.amazonaws.com"},
		{"eu-south-1", "eu-south-1", "sns.amazonaws.com"},
		{"eu-south-1", "us-east-1", "sns.eu-south-1.amazonaws.com"},
		{"us-east-1", "ap-east-1", "sns.ap-east-1.amazonaws.com"},
		{"cn-north-1", "cn-northwest-1", "sns.amazonaws.com"},
	} {
		t.Run(tt.topicRegion+" to "+tt.queueRegion, func(t *testing.T) {
			b := start(t)
			c := b.client(vendor, tt.topicRegion)
			topic := b.topic(c, "news")
			queue, inbox := b.queue("inbox", tt.queueRegion, tt.service, topic)
			b.subscribe(c, topic, queue, nil)
			b.publish(c, topic, "hello")
			if got := b.drain(inbox, tt.queueRegion); len(got) != 1 {
				t.Errorf("%d messages arrived\n%s", len(got), b.notes())
			}
		})
	}
}

func TestADeliveryThatTheQueuePolicyDeniesIsDroppedAndJournaled(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic := b.topic(c, "news")
	closed, closedURL := b.queue("closed", home, "", "")
	other, otherURL := b.queue("other", home, "sns.amazonaws.com", topic+"-else")
	for _, queue := range []string{closed, other, "arn:aws:sqs:us-east-1:111111111111:nowhere"} {
		b.subscribe(c, topic, queue, nil)
	}
	b.publish(c, topic, "hello") // without an error
	if n := len(b.drain(closedURL, home)) + len(b.drain(otherURL, home)); n != 0 {
		t.Errorf("%d messages arrived", n)
	}
	notes := b.notes()
	for _, want := range []string{"AccessDenied message", ":closed: dropped", ":other: dropped", "QueueDoesNotExist message", ":nowhere: dropped"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the journal does not contain %q:\n%s", want, notes)
		}
	}
}

func TestUndeliverableMessagesGoToTheSubscriptionsDeadLetterQueue(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic := b.topic(c, "news")
	dead, deadURL := b.queue("dead", home, "sns.amazonaws.com", topic)
	b.subscribe(c, topic, "arn:aws:sqs:us-east-1:111111111111:nowhere", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`})
	b.publish(c, topic, "hello")
	if got := b.texts(deadURL); got != "hello" {
		t.Errorf("the dead-letter queue has %q\n%s", got, b.notes())
	}
}

func TestOnlyPrincipalsInTheTopicPolicyMayPublish(t *testing.T) {
	b := start(t)
	own, theirs := b.client(vendor, home), b.client(customer, home)
	topic, queue, inbox := topicAndQueue(b, own)
	b.subscribe(own, topic, queue, nil)
	publish := func(c *awssns.Client) error {
		_, err := c.Publish(b.ctx, &awssns.PublishInput{TopicArn: &topic, Message: aws.String("hello")})
		return err
	}
	wantCode(t, publish(theirs), "AuthorizationError", "User: arn:aws:iam::222222222222:user/admin is not authorized to perform: SNS:Publish on resource: "+topic)
	known := `{"Version":"2012-10-17","Statement":[{"Sid":"accounts","Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Publish",` +
		`"Resource":"` + topic + `","Condition":{"StringEquals":{"aws:PrincipalAccount":["222222222222"]}}}]}`
	if err := setPolicy(b, own, topic, known); err != nil {
		t.Fatal(err)
	}
	if err := publish(theirs); err != nil {
		t.Error(err)
	}
	wantCode(t, publish(b.client(stranger, home)), "AuthorizationError", "SNS:Publish")
	if got := b.texts(inbox); got != "hello" {
		t.Errorf("the queue has %q", got)
	}
}

func TestCloudFormationPublishesAsTheCustomer(t *testing.T) {
	b := start(t)
	own := b.client(vendor, home)
	topic, queue, inbox := topicAndQueue(b, own)
	b.subscribe(own, topic, queue, nil)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Publish","Resource":"` + topic + `",` +
		`"Condition":{"StringEquals":{"aws:PrincipalAccount":"222222222222"},"ForAnyValue:StringEquals":{"aws:CalledVia":"cloudformation.amazonaws.com"}}}]}`
	if err := setPolicy(b, own, topic, policy); err != nil {
		t.Fatal(err)
	}
	params := url.Values{"TopicArn": {topic}, "Message": {"phone home"}, "Subject": {"AWS CloudFormation custom resource request"}}
	publish := func(p *kernel.Principal) error {
		return kernel.CallQuery(b.ctx, inside{b}, p, home, "sns", "Publish", params, nil)
	}
	if err := publish(admin(customer)); err == nil {
		t.Error("the condition on aws:CalledVia allows a direct publish")
	}
	via := admin(customer)
	via.Via = []string{"cloudformation.amazonaws.com"}
	if err := publish(via); err != nil {
		t.Fatal(err)
	}
	if got := b.texts(inbox); got != "phone home" {
		t.Errorf("the queue has %q", got)
	}
}

// inside makes calls to SNS without HTTP.
type inside struct{ b *bench }

func (i inside) Do(c *kernel.Call) (*kernel.Response, error) {
	c.Action = i.b.sns.Action(c.Request, c.Body)
	return i.b.sns.Serve(c)
}

func TestRawDeliveryIsTheMessageAndItsAttributes(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic, queue, inbox := topicAndQueue(b, c)
	b.subscribe(c, topic, queue, map[string]string{"RawMessageDelivery": "true"})
	if _, err := c.Publish(b.ctx, &awssns.PublishInput{TopicArn: &topic, Message: aws.String("bare"), MessageAttributes: map[string]types.MessageAttributeValue{
		"colour": {DataType: aws.String("String"), StringValue: aws.String("red")},
	}}); err != nil {
		t.Fatal(err)
	}
	got := b.drain(inbox, home)
	if len(got) != 1 || *got[0].Body != "bare" || *got[0].MessageAttributes["colour"].StringValue != "red" {
		t.Errorf("the queue has %+v\n%s", got, b.notes())
	}
}

func TestInvalidMessagesAreRefused(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic := b.topic(c, "news")
	for text, in := range map[string]*awssns.PublishInput{
		"Empty message":    {Message: aws.String("")},
		"Message too long": {Message: aws.String(strings.Repeat("x", 256*1024+1))},
		"Subject":          {Message: aws.String("x"), Subject: aws.String("two\nlines")},
		"No default entry": {Message: aws.String(`{"sqs":"x"}`), MessageStructure: aws.String("json")},
		"failed to parse":  {Message: aws.String(`x`), MessageStructure: aws.String("json")},
		"MessageGroupId":   {Message: aws.String("x"), MessageGroupId: aws.String("g")},
	} {
		in.TopicArn = &topic
		_, err := c.Publish(b.ctx, in)
		wantCode(t, err, "InvalidParameter", text)
	}
}

func TestAStructuredMessageCanHaveATextForSQS(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic, queue, inbox := topicAndQueue(b, c)
	b.subscribe(c, topic, queue, nil)
	for _, message := range []string{`{"default":"all","sqs":"queue"}`, `{"default":"all","email":"mail"}`} {
		if _, err := c.Publish(b.ctx, &awssns.PublishInput{TopicArn: &topic, Message: &message, MessageStructure: aws.String("json")}); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.texts(inbox); got != "queue all" {
		t.Errorf("the queue has %q", got)
	}
}

func TestADuplicateHasTheSameBodyAndAnotherMessageID(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic, queue, inbox := topicAndQueue(b, c)
	b.subscribe(c, topic, queue, nil)
	b.faults.SetDelivery(kernel.DeliveryFaults{Duplicate: 1})
	b.publish(c, topic, "twice")
	got := b.drain(inbox, home)
	if len(got) != 2 || *got[0].Body != *got[1].Body || *got[0].MessageId == *got[1].MessageId {
		t.Errorf("the queue has %d messages", len(got))
	}
}

func TestDelayedNotificationsArriveByTheSandboxsClock(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic, queue, inbox := topicAndQueue(b, c)
	b.subscribe(c, topic, queue, nil)
	b.faults.SetDelivery(kernel.DeliveryFaults{MinDelay: time.Minute, MaxDelay: 2 * time.Minute})
	b.publish(c, topic, "late")
	if got := b.texts(inbox); got != "" {
		t.Errorf("%q arrived at once", got)
	}
	b.clock.Advance(2 * time.Minute)
	if got := b.texts(inbox); got != "late" {
		t.Errorf("after the longest delay the queue has %q", got)
	}
}

func TestReorderingDeliversAllMessagesInAnOrderThatTheSeedDefines(t *testing.T) {
	run := func() string {
		b := start(t)
		c := b.client(vendor, home)
		topic, queue, inbox := topicAndQueue(b, c)
		b.subscribe(c, topic, queue, nil)
		b.faults.SetDelivery(kernel.DeliveryFaults{Reorder: true})
		for i := range 20 {
			b.publish(c, topic, strconv.Itoa(100+i))
		}
		return b.texts(inbox)
	}
	first := strings.Fields(run())
	if slices.IsSorted(first) {
		t.Errorf("the order is that of publishing: %v", first)
	}
	if second := strings.Fields(run()); !slices.Equal(first, second) {
		t.Errorf("the same seed results in another order:\n%v\n%v", first, second)
	}
	slices.Sort(first)
	if len(slices.Compact(first)) != 20 {
		t.Errorf("%d of 20 messages arrived", len(first))
	}
}
