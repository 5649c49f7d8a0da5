// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy

import (
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// answering is what taking messages from the queue needs: to have one, to put
// it back for a while, and to be done with it.
var answering = []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"}

// proofs lets the caller try customers' roles.
//
// Which roles these are is not known beforehand: a link may give a role any
// name and path, and customers come and go. So it is all roles but those of the
// vendor's own account, where the same sentence would let the caller become any role
// that trusts the account. A customer's role must trust the vendor as well, so
// nothing of a stranger is opened.
//
// There is no condition on sts:ExternalId on purpose: a proof tries the role
// without one, too, and when our own policy refused that, a role that any account
// can assume would look safe.
func (h Parts) proofs() iampolicy.Statement {
	if len(h.Principals) > 0 {
		var roles []string
		for _, role := range h.Principals {
			roles = append(roles, role.String())
		}
		return allow("TrustedPrincipals", sorted(roles), "sts:AssumeRole")
	}
	customers := allow("CustomersRoles", []string{fmt.Sprintf("arn:%s:iam::*:role/*", h.Region.Partition())}, "sts:AssumeRole")
	customers.Condition = iampolicy.Conditions{"StringNotEquals": {"aws:ResourceAccount": {h.Account.String()}}}
	return customers
}

func (h Parts) queues() []iampolicy.Statement {
	return []iampolicy.Statement{
		allow("Queues", h.queue(h.Queue, h.DeadLetterQueue),
			"sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SetQueueAttributes",
			"sqs:ListQueueTags", "sqs:TagQueue", "sqs:UntagQueue"),
		allow("Queue", h.queue(h.Queue), answering...),
		allow("DeadLetters", h.queue(h.DeadLetterQueue), "sqs:SendMessage"),
	}
}

// using is what reading and writing with the hub's key needs: messages and items
// are opened, and what is put among the dead letters is encrypted.
var using = []string{"kms:Decrypt", "kms:GenerateDataKey"}

// key lets the caller use the hub's key, if it has one, through the services
// that encrypt with it and in no other way (aws-facts 13.4).
func (h Parts) key(actions ...string) []iampolicy.Statement {
	if h.KMSKey.IsZero() {
		return nil
	}
	s := allow("Key", []string{h.KMSKey.String()}, actions...)
	s.Condition = iampolicy.Conditions{"StringLike": {"kms:ViaService": {
		fmt.Sprintf("dynamodb.%s.amazonaws.*", h.Region), fmt.Sprintf("sqs.%s.amazonaws.*", h.Region),
	}}}
	return []iampolicy.Statement{s}
}

// topics: IAM's reference knows no resource for the two actions on
// subscriptions, but what SNS asks for is the topic (aws-facts 5.12). Only
// the hub's queue can be subscribed: requests carry signed URLs.
func (h Parts) topics() []iampolicy.Statement {
	subscribe := allow("Subscribe", h.topicARNs(), "sns:Subscribe")
	subscribe.Condition = iampolicy.Conditions{"StringEquals": {
		"sns:Protocol": {"sqs"},
		"sns:Endpoint": h.queue(h.Queue),
	}}
	return []iampolicy.Statement{
		allow("Topics", h.topicARNs(),
			"sns:CreateTopic", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:SetTopicAttributes",
			"sns:ListSubscriptionsByTopic", "sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes",
			"sns:ListTagsForResource", "sns:TagResource", "sns:UntagResource",
			"sns:Publish"), // a test message, to see whether it arrives
		subscribe,
	}
}

// bucket: only templates are written, deleted and, under the signature of a
// link, read. What others have put into the bucket stays, and then the
// bucket does.
func (h Parts) bucket() []iampolicy.Statement {
	arn := fmt.Sprintf("arn:%s:s3:::%s", h.Region.Partition(), h.Bucket)
	return []iampolicy.Statement{
		allow("Bucket", []string{arn},
			"s3:CreateBucket", "s3:DeleteBucket", "s3:ListBucket", "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock",
			"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:GetBucketTagging", "s3:PutBucketTagging",
			"s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"),
		allow("Templates", h.templates(), "s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
		// To warn of a hub of the same name in another Region; the action has no narrower resource.
		allow("OtherRegions", []string{fmt.Sprintf("arn:%s:s3:::*", h.Region.Partition())}, "s3:ListAllMyBuckets"),
	}
}

func (h Parts) templates() []string {
	return []string{fmt.Sprintf("arn:%s:s3:::%s/%s*", h.Region.Partition(), h.Bucket, iampolicy.TemplatePrefix)}
}
