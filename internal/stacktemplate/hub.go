// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"time"

	"github.com/awslabs/goformation/v7/cloudformation/cloudwatch"
	"github.com/awslabs/goformation/v7/cloudformation/dynamodb"
	"github.com/awslabs/goformation/v7/cloudformation/iam"
	"github.com/awslabs/goformation/v7/cloudformation/lambda"
	"github.com/awslabs/goformation/v7/cloudformation/logs"
	"github.com/awslabs/goformation/v7/cloudformation/s3"
	"github.com/awslabs/goformation/v7/cloudformation/sns"
	"github.com/awslabs/goformation/v7/cloudformation/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// HubTemplate defines the CloudFormation template of a vendor's hub: all resources
// that the provider would create, with the same names and the same policies, which the
// caller passes here.
type HubTemplate struct {
	Hub       string
	Partition string

	Topic, TopicARN    string // in the hub's own Region; empty: the hub has no topic there
	Queue, QueueARN    string
	DeadLetterQueue    string
	DeadLetterQueueARN string
	Table              string
	Bucket             string

	TopicPolicy    iampolicy.Document // of a topic with one customer, which the parameter for all customers replaces
	Customer       string             // account of this customer
	QueuePolicy    iampolicy.Document
	BucketPolicy   iampolicy.Document
	FunctionPolicy iampolicy.Document // of the registrar

	DeadLetterPolicy iampolicy.Document

	Retention   time.Duration // of messages
	Visibility  time.Duration // of a message while a registrar handles it
	MaxReceives int           // before a message is moved to the dead-letter queue
}

const (
	parameterAccounts   = "CustomerAccountIds"
	parameterCodeBucket = "RegistrarBucket"
	parameterCodeKey    = "RegistrarKey"
	parameterAlarms     = "AlarmTopicArn"

	conditionAccounts = "HasCustomers"
	conditionAlarms   = "HasAlarmTopic"

	// functionTimeout, in seconds, is less than the visibility timeout of a message,
	// and more than the 75 seconds that the handling of one message may take.
	functionTimeout = 90
)

// RenderHub returns the template of a hub.
func RenderHub(s HubTemplate) (Template, error) {
	b := hubBuilder{HubTemplate: s, h: &placeholders{}, t: newDraft()}
	b.t.Description = b.h.put(fmt.Sprintf("The intake of hub %s: customers' stacks report here. Delete it only when no customer has a stack any more.", s.Hub))
	b.queues()
	b.table()
	b.bucket()
	b.registrar()
	b.alarms()
	if s.Topic != "" {
		b.topic()
	}
	return b.finish()
}

// RenderHubRegion returns the template of a hub's topic in another Region. It is
// launched once in each such Region.
func RenderHubRegion(s HubTemplate) (Template, error) {
	b := hubBuilder{HubTemplate: s, h: &placeholders{}, t: newDraft()}
	b.t.Description = b.h.put(fmt.Sprintf("The topic of hub %s in one more Region, from which customers' stacks may report.", s.Hub))
	b.topic()
	return b.finish()
}

// hubBuilder builds the template of a hub.
type hubBuilder struct {
	HubTemplate
	h *placeholders
	t *draft
}

func (b *hubBuilder) finish() (Template, error) { return b.h.finish(b.t) }

// put returns the placeholder of a policy.
func (b *hubBuilder) put(d iampolicy.Document) string {
	tree, err := permissionset.Decode([]byte(d.String()))
	if err != nil {
		panic(err) // it was just encoded
	}
	return b.h.put(tree)
}

// topic adds the topic to which the stacks of its Region publish. Its default policy
// allows only its owner to publish; the customers are a parameter.
func (b *hubBuilder) topic() {
	b.t.Parameters[parameterAccounts] = parameter{
		Type:    "CommaDelimitedList",
		Default: "",
		Description: new("AWS accounts of customers, who may publish. " +
			"Leave it empty where the provider or the xacct command declares customers: they write this policy then."),
	}
	b.t.Conditions[conditionAccounts] = not(equals(joined(",", ref(parameterAccounts)), ""))
	b.t.Resources["Topic"] = &sns.Topic{
		TopicName:        b.h.text(b.Topic),
		SignatureVersion: new("2"), // SHA-256 (aws-facts 5.9)
	}
	b.t.Resources["TopicPolicy"] = &sns.TopicPolicy{
		AWSCloudFormationCondition: conditionAccounts,
		Topics:                     []string{b.h.put(ref("Topic"))},
		PolicyDocument:             b.topicPolicy(),
	}
	b.t.Resources["Subscription"] = &sns.Subscription{
		TopicArn: b.h.put(ref("Topic")), Protocol: "sqs", Endpoint: b.h.text(b.QueueARN),
	}
}

// topicPolicy returns the topic's policy, with this stack's topic and the customers'
// accounts.
func (b *hubBuilder) topicPolicy() string {
	tree, err := permissionset.Decode([]byte(b.TopicPolicy.String()))
	if err != nil {
		panic(err) // it was just encoded
	}
	return b.h.put(substitute(tree, func(text string) (any, bool) {
		switch text {
		case b.TopicARN:
			return ref("Topic"), true
		case b.Customer:
			return wholeList{ref(parameterAccounts)}, true
		}
		return nil, false
	}))
}

func (b *hubBuilder) queues() {
	retention := new(int(b.Retention / time.Second))
	b.t.Resources["DeadLetterQueue"] = &sqs.Queue{
		QueueName: b.h.text(b.DeadLetterQueue), MessageRetentionPeriod: retention,
		AWSCloudFormationDeletionPolicy: "Delete", AWSCloudFormationUpdateReplacePolicy: "Delete",
	}
	b.t.Resources["Queue"] = &sqs.Queue{
		QueueName:                     b.h.text(b.Queue),
		MessageRetentionPeriod:        retention,
		VisibilityTimeout:             new(int(b.Visibility / time.Second)),
		ReceiveMessageWaitTimeSeconds: new(20),
		RedrivePolicy: map[string]any{
			"deadLetterTargetArn": b.h.put(getAtt("DeadLetterQueue", "Arn")),
			"maxReceiveCount":     b.MaxReceives,
		},
		AWSCloudFormationDeletionPolicy: "Delete", AWSCloudFormationUpdateReplacePolicy: "Delete",
	}
	b.t.Resources["QueuePolicy"] = &sqs.QueuePolicy{
		Queues: []string{b.h.put(ref("Queue"))}, PolicyDocument: b.put(b.QueuePolicy),
	}
	b.t.Resources["DeadLetterQueuePolicy"] = &sqs.QueuePolicy{
		Queues: []string{b.h.put(ref("DeadLetterQueue"))}, PolicyDocument: b.put(b.DeadLetterPolicy),
	}
	b.output("QueueUrl", "The queue that the registrar listens to", ref("Queue"))
}

func (b *hubBuilder) table() {
	b.t.Resources["Table"] = &dynamodb.Table{
		TableName:   b.h.text(b.Table),
		BillingMode: new("PAY_PER_REQUEST"),
		AttributeDefinitions: []dynamodb.Table_AttributeDefinition{
			{AttributeName: "pk", AttributeType: "S"}, {AttributeName: "sk", AttributeType: "S"},
		},
		KeySchema:                        []dynamodb.Table_KeySchema{{AttributeName: "pk", KeyType: "HASH"}, {AttributeName: "sk", KeyType: "RANGE"}},
		DeletionProtectionEnabled:        new(true),
		PointInTimeRecoverySpecification: &dynamodb.Table_PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: new(true)},
		TimeToLiveSpecification:          &dynamodb.Table_TimeToLiveSpecification{AttributeName: new("expires"), Enabled: true},
		// The registry is the only record of customers' roles.
		AWSCloudFormationDeletionPolicy:      "Retain",
		AWSCloudFormationUpdateReplacePolicy: "Retain",
	}
	b.output("TableName", "The registry", ref("Table"))
}

func (b *hubBuilder) bucket() {
	b.t.Resources["Templates"] = &s3.Bucket{
		BucketName: b.h.text(b.Bucket),
		PublicAccessBlockConfiguration: &s3.Bucket_PublicAccessBlockConfiguration{
			BlockPublicAcls: new(true), IgnorePublicAcls: new(true),
			BlockPublicPolicy: new(false), RestrictPublicBuckets: new(false),
		},
		// Customers' stacks were created from the templates in it.
		AWSCloudFormationDeletionPolicy:      "Retain",
		AWSCloudFormationUpdateReplacePolicy: "Retain",
	}
	b.t.Resources["TemplatesPolicy"] = &s3.BucketPolicy{Bucket: b.h.put(ref("Templates")), PolicyDocument: b.put(b.BucketPolicy)}
	b.output("TemplateBucket", "Where customers' templates are published", ref("Templates"))
}

// registrar adds `xacct registrar` as a Lambda function.
func (b *hubBuilder) registrar() {
	for name, about := range map[string]string{
		parameterCodeBucket: "Bucket, in this Region, with the registrar's package: the program xacct, called bootstrap, in a zip file.",
		parameterCodeKey:    "Key of that package in the bucket.",
	} {
		b.t.Parameters[name] = parameter{Type: "String", MinLength: new(1), Description: new(about)}
	}
	name := "xacct-" + b.Hub + "-registrar"
	b.t.Resources["RegistrarRole"] = &iam.Role{
		AssumeRolePolicyDocument: b.put(iampolicy.Document{Version: iampolicy.Version2012, Statements: []iampolicy.Statement{{
			Effect: iampolicy.Allow, Principal: iampolicy.Principals{"Service": {"lambda.amazonaws.com"}}, Action: []string{"sts:AssumeRole"},
		}}}),
		Policies:          []iam.Role_Policy{{PolicyName: "registrar", PolicyDocument: b.put(b.FunctionPolicy)}},
		ManagedPolicyArns: []string{b.h.put("arn:" + b.Partition + ":iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")},
	}
	b.t.Resources["RegistrarLog"] = &logs.LogGroup{
		LogGroupName: b.h.text("/aws/lambda/" + name), RetentionInDays: new(90),
		AWSCloudFormationDeletionPolicy: "Delete", AWSCloudFormationUpdateReplacePolicy: "Delete",
	}
	b.t.Resources["Registrar"] = &lambda.Function{
		FunctionName:  b.h.text(name),
		Description:   b.h.text("Answers the customers of hub " + b.Hub),
		Role:          b.h.put(getAtt("RegistrarRole", "Arn")),
		Runtime:       new("provided.al2023"),
		Handler:       new("bootstrap"),
		Architectures: []string{"arm64"},
		MemorySize:    new(256),
		Timeout:       new(functionTimeout),
		Code:          &lambda.Function_Code{S3Bucket: b.h.value(ref(parameterCodeBucket)), S3Key: b.h.value(ref(parameterCodeKey))},
		Environment:   &lambda.Function_Environment{Variables: map[string]string{"XACCT_HUB": b.h.put(b.Hub)}},

		AWSCloudFormationDependsOn: []string{"RegistrarLog"},
	}
	b.t.Resources["RegistrarSource"] = &lambda.EventSourceMapping{
		EventSourceArn:        b.h.value(getAtt("Queue", "Arn")),
		FunctionName:          b.h.put(ref("Registrar")),
		BatchSize:             new(10),
		FunctionResponseTypes: []string{"ReportBatchItemFailures"},
		// Not the function's own concurrency: throttled messages would count as
		// received.
		ScalingConfig: &lambda.EventSourceMapping_ScalingConfig{MaximumConcurrency: new(5)},
	}
}

// alarms adds the two alarms that need a person.
func (b *hubBuilder) alarms() {
	b.t.Parameters[parameterAlarms] = parameter{
		Type: "String", Default: "", Description: new("ARN of an SNS topic that alarms go to; empty: none."),
	}
	b.t.Conditions[conditionAlarms] = not(equals(ref(parameterAlarms), ""))
	alarm := func(name, about, metric, queue string, period, periods int, threshold float64) {
		b.t.Resources[name] = &cloudwatch.Alarm{
			AlarmDescription:   b.h.text(about),
			Namespace:          new("AWS/SQS"),
			MetricName:         new(metric),
			Dimensions:         []cloudwatch.Alarm_Dimension{{Name: "QueueName", Value: b.h.put(queue)}},
			Statistic:          new("Maximum"),
			Period:             new(period),
			EvaluationPeriods:  periods,
			ComparisonOperator: "GreaterThanThreshold",
			Threshold:          &threshold,
			TreatMissingData:   new("notBreaching"),
			AlarmActions:       []string{b.h.put(when(conditionAlarms, ref(parameterAlarms)))},
		}
	}
	alarm("DeadLettersAlarm", "Messages of hub "+b.Hub+" are in the dead-letter queue: xacct dead-letters list --hub "+b.Hub,
		"ApproximateNumberOfMessagesVisible", b.DeadLetterQueue, 300, 1, 0)
	alarm("MessageAgeAlarm", "Customers of hub "+b.Hub+" wait for an answer: look at the registrar's log",
		"ApproximateAgeOfOldestMessage", b.Queue, 60, 2, 300)
}

func (b *hubBuilder) output(name, about string, value any) {
	b.t.Outputs[name] = output{Description: new(about), Value: b.h.put(value)}
}
