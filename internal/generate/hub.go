// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package generate

import (
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// hubFiles returns the templates of the vendor's hub: one for its own Region and, if
// it has more Regions, one for all others.
func (g *Generator) hubFiles() ([]File, error) {
	if err := g.onlyCommands(); err != nil {
		return nil, err
	}
	t, err := g.hubTemplate()
	if err != nil {
		return nil, err
	}
	main, err := stacktemplate.RenderHub(t)
	if err != nil {
		return nil, err
	}
	files, err := jsonAndYAML("hub", main)
	if err != nil || len(g.hub.Regions) == 1 && t.Topic != "" {
		return files, err
	}
	t.Topic, t.TopicARN = hub.TopicName(g.hub.Name, 0), g.topic(g.hub.Region).String()
	other, err := stacktemplate.RenderHubRegion(t)
	if err != nil {
		return nil, err
	}
	more, err := jsonAndYAML("hub-region", other)
	return append(files, more...), err
}

// placeholderCustomer represents the customers' accounts in a topic's policy. AWS never
// assigns this account ID.
var placeholderCustomer, _ = account.ParseID("000000000000")

// hubTemplate returns the hub's template, with the names and the policies that the
// provider uses.
func (g *Generator) hubTemplate() (stacktemplate.HubTemplate, error) {
	name, partition := g.hub.Name, g.hub.Region.Partition()
	t := stacktemplate.HubTemplate{
		Hub:                name,
		Partition:          partition.String(),
		Queue:              hub.QueueName(name),
		QueueARN:           g.queueARN(hub.QueueName(name)),
		DeadLetterQueue:    hub.DeadLetterQueueName(name),
		DeadLetterQueueARN: g.queueARN(hub.DeadLetterQueueName(name)),
		Table:              registry.TableName(name),
		Bucket:             g.bucket(),
		Customer:           placeholderCustomer.String(),
		TopicPolicy:        iampolicy.Topic(g.topic(g.hub.Region), []account.ID{placeholderCustomer}, 0),
		BucketPolicy:       iampolicy.PublicTemplates(g.bucket(), partition),
		Retention:          hub.Retention,
		Visibility:         hub.Visibility,
		MaxReceives:        hub.MaxReceives,
	}
	if slices.Contains(g.hub.Regions, g.hub.Region) {
		t.Topic, t.TopicARN = hub.TopicName(name, 0), g.topic(g.hub.Region).String()
	}
	t.TopicPolicy.Version = iampolicy.Version2012 // equivalent for these statements, and linters prefer it
	t.DeadLetterPolicy = iampolicy.PrivateQueue(t.DeadLetterQueueARN)
	var err error
	sources := iampolicy.QueueSources{Account: g.hub.Account, Names: hub.TopicPatterns(name), Regions: g.hub.Regions}
	if t.QueuePolicy, err = iampolicy.Queue(t.QueueARN, g.hub.Region, sources); err != nil {
		return t, err
	}
	t.FunctionPolicy, err = leastpolicy.RegistrarFunction(leastpolicy.Parts{
		Account: g.hub.Account, Region: g.hub.Region,
		Queue: t.Queue, DeadLetterQueue: t.DeadLetterQueue, Table: t.Table, Partitions: registry.Partitions(),
		Principals: g.declared.Provers(g.hub.Account),
	})
	return t, err
}

func (g *Generator) topic(region account.Region) account.TopicARN {
	return account.TopicARN{Region: region, Account: g.hub.Account, Name: hub.TopicName(g.hub.Name, 0)}
}

func (g *Generator) queueARN(name string) string {
	return "arn:" + g.hub.Region.Partition().String() + ":sqs:" + g.hub.Region.String() + ":" + g.hub.Account.String() + ":" + name
}
