// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package leastpolicy writes the smallest IAM policies that a hub can be run
// with: for the registrar, for the caller of Terraform, and for operators.
//
// The policies contain an action only if a test of this package fails without it.
// The package makes no calls, and doesn't know the names of a hub's parts: those
// come from the packages that assign them.
package leastpolicy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// Parts names the parts of a hub that a policy is about.
type Parts struct {
	Account account.ID
	Region  account.Region // of queues, table and bucket

	Queue           string
	DeadLetterQueue string
	Table           string
	Partitions      Partitions // of the table

	// Topics are those of all Regions. Only the provider needs them.
	Topics []account.TopicARN
	// Bucket may have IAM's wildcards in it: its name holds a secret hash, so
	// it is not known before the hub exists. Only the registrar doesn't need it.
	Bucket string

	// Principals are roles of the vendor that customers' roles trust
	// (trusted_principal_arns) and the caller is not: it proves as one of them,
	// and tries no customer's role itself. Empty: it does.
	Principals []account.RoleARN

	// KMSKey encrypts queues and table; zero: keys of AWS's own do.
	KMSKey account.KMSKeyARN

	// EventBus receives status changes of customers' roles; zero: none.
	EventBus account.EventBusARN
	// Webhook is set if the registrar sends events to a webhook.
	Webhook bool
}

// Registrar returns the policy of `xacct registrar`, and of `xacct verify`: to read
// the queue, to try customers' roles, to read links and to write
// registrations. It can make, change and delete nothing of the hub, and can't read the key
// that makes external IDs.
func Registrar(h Parts) (iampolicy.Document, error) {
	if err := h.check(); err != nil {
		return iampolicy.Document{}, err
	}
	return document(slices.Concat(h.registrarsItems(), []iampolicy.Statement{
		allow("Queue", h.queue(h.Queue), answering...),
		allow("DeadLetters", h.queue(h.DeadLetterQueue), "sqs:SendMessage"),
	}, h.key(using...), []iampolicy.Statement{h.proofs()}, h.events("events:PutEvents"), h.webhook()))
}

// RegistrarFunction returns the policy of the registrar as a Lambda function: what
// Lambda does with an event source's queue it does as the function's role, and
// it looks at the queue's attributes as well. Writing logs is not part of it.
func RegistrarFunction(h Parts) (iampolicy.Document, error) {
	d, err := Registrar(h)
	for i, s := range d.Statements {
		if s.Sid == "Queue" {
			d.Statements[i].Action = sorted(append([]string{"sqs:GetQueueAttributes"}, answering...))
		}
	}
	return d, err
}

// Operator returns the policy of the commands of `xacct` that look after
// customers: status, customers, link, block, verify, adopt and dead-letters. It can write
// links and registrations; it can't change the hub, issue an external ID,
// read the key that makes them, or change who may publish.
func Operator(h Parts) (iampolicy.Document, error) {
	if err := h.check(); err != nil {
		return iampolicy.Document{}, err
	}
	if h.Bucket == "" {
		return iampolicy.Document{}, errors.New("a policy for operators needs the hub's bucket")
	}
	return document(slices.Concat(h.operatorsItems(), []iampolicy.Statement{
		allow("Queue", h.queue(h.Queue), "sqs:GetQueueAttributes", "sqs:SendMessage"),
		allow("DeadLetters", h.queue(h.DeadLetterQueue), append([]string{"sqs:GetQueueAttributes"}, answering...)...),
		allow("Templates", h.templates(), "s3:GetObject"), // to sign links
	}, h.key(using...), []iampolicy.Statement{h.proofs()}, h.events("events:PutEvents")))
}

// Provider returns the policy of Terraform: it makes, reads, changes and deletes the
// hub, its links and roles, and while it waits for customers it is a registrar.
func Provider(h Parts) (iampolicy.Document, error) {
	if err := h.check(); err != nil {
		return iampolicy.Document{}, err
	}
	if len(h.Topics) == 0 || h.Bucket == "" {
		return iampolicy.Document{}, errors.New("a policy for the provider needs the hub's topics and bucket")
	}
	return document(slices.Concat(h.registry(), h.queues(), h.key(append([]string{"kms:CreateGrant", "kms:DescribeKey"}, using...)...),
		h.topics(), h.bucket(), []iampolicy.Statement{h.proofs()},
		h.events("events:DescribeEventBus", "events:PutEvents")))
}

func (h Parts) check() error {
	if h.Account.IsZero() || h.Region.IsZero() || h.Queue == "" || h.DeadLetterQueue == "" || h.Table == "" {
		return errors.New("a policy needs the hub's account, Region, queues and table")
	}
	if !h.Partitions.known() {
		return errors.New("a policy needs the partitions of the hub's table")
	}
	if k := h.KMSKey; !k.IsZero() && (k.Account != h.Account || k.Region != h.Region) {
		return fmt.Errorf("key %s is not of account %s and Region %s", k, h.Account, h.Region)
	}
	if b := h.EventBus; !b.IsZero() && (b.Account != h.Account || b.Region.Partition() != h.Region.Partition()) {
		return fmt.Errorf("event bus %s is not of account %s in partition %s", b, h.Account, h.Region.Partition())
	}
	for _, topic := range h.Topics {
		if topic.Account != h.Account || topic.Region.Partition() != h.Region.Partition() {
			return fmt.Errorf("topic %s is not of account %s in partition %s", topic, h.Account, h.Region.Partition())
		}
	}
	return nil
}

func document(statements []iampolicy.Statement) (iampolicy.Document, error) {
	d := iampolicy.Document{Version: iampolicy.Version2012, Statements: statements}
	size, err := iampolicy.Size(d.String())
	if err == nil && size > iampolicy.MaxInlineSize {
		err = fmt.Errorf("the policy has %d characters, and IAM allows %d: write one policy for some of the Regions, and another for the rest", size, iampolicy.MaxInlineSize)
	}
	return d, err
}

func allow(sid string, resources []string, actions ...string) iampolicy.Statement {
	return iampolicy.Statement{Sid: sid, Effect: iampolicy.Allow, Action: sorted(actions), Resource: resources}
}

func sorted(texts []string) []string { return slices.Sorted(slices.Values(texts)) }

func (h Parts) table() []string {
	return []string{fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s", h.Region.Partition(), h.Region, h.Account, h.Table)}
}

func (h Parts) queue(names ...string) []string {
	var arns []string
	for _, name := range names {
		arns = append(arns, fmt.Sprintf("arn:%s:sqs:%s:%s:%s", h.Region.Partition(), h.Region, h.Account, name))
	}
	return arns
}

// topicARNs returns the topics by Region and shard.
func (h Parts) topicARNs() []string {
	var arns []string
	for _, topic := range h.Topics {
		arns = append(arns, topic.String())
	}
	slices.SortFunc(arns, strings.Compare)
	return slices.Compact(arns)
}
