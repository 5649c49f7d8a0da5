// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Logical IDs of the stack's resources other than roles: names with a meaning in
// templates.
const (
	theTopic  = "Null"
	theQueue  = "FnSub"
	theBucket = "BillingEnabled"
	theLogs   = "RefEnabled"
)

// named returns the physical name of one of the resources, with a reference in it.
// The names differ between specifications, because SQS accepts the name of a deleted
// queue only after a minute.
func (d *drawn) named(what string) string {
	return "acme-" + permissionset.AccountReference + "-" + what + "-" + d.customer[strings.LastIndex(d.customer, "-")+1:]
}

// object is a JSON object that is being built.
type object map[string]any

func attribute(of, name string) object { return object{"Fn::GetAtt": []string{of, name}} }

// drawResources draws the stack's resources other than roles, and texts that it
// reports. The texts must be reported unchanged, except for references.
func (d *drawn) drawResources(r *rapid.T) {
	d.reported, d.resources = map[string]string{}, map[string]string{}
	resources, outputs := map[string]object{}, object{}
	for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{theTopic, theQueue, theBucket, theLogs}), 0, 3, rapid.ID[string]).Draw(r, "resources") {
		switch id {
		case theTopic:
			d.displayName = rapid.SampledFrom(evil).Draw(r, "topic's text")
			if !strings.Contains(d.displayName, "{{") { // which is refused beside a reference
				d.displayName += permissionset.AccountReference
			}
			resources[id] = object{"Type": "AWS::SNS::Topic", "Properties": object{"TopicName": d.named("news"), "DisplayName": d.displayName}}
			outputs["topic"] = attribute(id, "TopicName")
		case theQueue:
			resources[id] = object{"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete", "Properties": object{"QueueName": d.named("jobs")}}
			outputs["queue"] = attribute(id, "QueueName")
			resources[id+"Policy"] = d.drawQueuePolicy(r)
		case theBucket:
			resources[id] = object{"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete", "Properties": object{"BucketName": d.named("data")}}
			outputs["bucket"] = object{"Ref": id}
		case theLogs:
			resources[id] = object{"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Delete"}
		}
	}
	if len(resources) == 0 {
		return
	}
	if resources[theTopic] != nil && resources[theQueue] != nil {
		resources["News"] = object{"Type": "AWS::SNS::Subscription", "Properties": object{"TopicArn": object{"Ref": theTopic}, "Protocol": "sqs", "Endpoint": attribute(theQueue, "Arn")}}
	}
	if resources[theQueue] != nil && rapid.Bool().Draw(r, "rule") {
		resources["Rule"] = object{"Type": "AWS::Events::Rule", "Properties": object{
			"EventPattern": object{"source": []string{"aws.ec2"}}, "Targets": []object{{"Id": "jobs", "Arn": attribute(theQueue, "Arn")}},
		}}
	}
	for id, definition := range resources {
		d.resources[id] = definition["Type"].(string)
	}
	text := rapid.SampledFrom(evil).Draw(r, "reported text")
	outputs["text"], d.reported["text"] = text, text
	for output, name := range map[string]string{"topic": d.named("news"), "queue": d.named("jobs"), "bucket": d.named("data")} {
		if outputs[output] != nil {
			d.reported[output] = d.values().Replace(name)
		}
	}
	if keys := d.referable(""); len(keys) > 0 {
		key := rapid.SampledFrom(keys).Draw(r, "reported parameter")
		outputs["typed"], d.reported["typed"] = "<"+permissionset.ParameterReference(key)+">", "<"+d.typed[key]+">"
	}
	d.spec.TemplateResources, d.spec.TemplateOutputs = jsonOf(resources), jsonOf(outputs)
}

// drawQueuePolicy returns a random policy of the queue, with texts and references in
// its condition, and records its expected form in the account.
func (d *drawn) drawQueuePolicy(r *rapid.T) object {
	values := []string{permissionset.AccountReference, rapid.SampledFrom(evil).Draw(r, "queue policy's text")}
	if keys := d.referable(""); len(keys) > 0 {
		values = append(values, "x-"+permissionset.ParameterReference(rapid.SampledFrom(keys).Draw(r, "queue policy's parameter")))
	}
	with := func(resource any, values []string) object {
		return object{"Version": "2012-10-17", "Statement": []object{{
			"Effect": "Allow", "Principal": object{"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": resource,
			"Condition": object{"StringEquals": object{"aws:SourceAccount": values}},
		}}}
	}
	filled := make([]string, len(values))
	for i, value := range values {
		filled[i] = d.values().Replace(value)
	}
	d.queuePolicy = string(jsonOf(with("QUEUE", filled)))
	return object{"Type": "AWS::SQS::QueuePolicy", "Properties": object{"Queues": []object{{"Ref": theQueue}}, "PolicyDocument": with(attribute(theQueue, "Arn"), values)}}
}

func jsonOf(v any) permissionset.JSON {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and maps
	}
	return permissionset.JSON(text)
}

// madeBeside fails the test if the resources in the account differ from the
// declaration.
func (c *Customer) madeBeside(d drawn, region string) {
	c.T.Helper()
	keys, err := c.Credentials(c.Account)
	c.Must(err)
	as := credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)
	endpoint := aws.String(c.World.Sandbox.URL())
	if d.resources[theTopic] != "" {
		client := sns.New(sns.Options{Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: endpoint, Credentials: as})
		out, err := client.GetTopicAttributes(c.T.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String("arn:aws:sns:" + region + ":" + theAccount + ":" + d.values().Replace(d.named("news")))})
		c.Must(err)
		if got, want := out.Attributes["DisplayName"], d.values().Replace(d.displayName); got != want {
			c.T.Fatalf("the topic is called %q, and was declared as %q", got, want)
		}
	}
	if d.resources[theQueue] != "" {
		client := sqs.New(sqs.Options{Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: endpoint, Credentials: as})
		queue, err := client.GetQueueUrl(c.T.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(d.values().Replace(d.named("jobs")))})
		c.Must(err)
		out, err := client.GetQueueAttributes(c.T.Context(), &sqs.GetQueueAttributesInput{QueueUrl: queue.QueueUrl, AttributeNames: []types.QueueAttributeName{"Policy", "QueueArn"}})
		c.Must(err)
		want := c.tree(strings.ReplaceAll(d.queuePolicy, `"QUEUE"`, `"`+out.Attributes["QueueArn"]+`"`))
		if diff := cmp.Diff(want, c.tree(out.Attributes["Policy"])); diff != "" {
			c.T.Fatalf("the queue's policy (+) is not what was declared (-):\n%s", diff)
		}
	}
}
