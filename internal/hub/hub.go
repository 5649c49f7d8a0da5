// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package hub creates, reads, changes and deletes a vendor's hub: a topic in every
// supported Region, the queue that they feed with its dead-letter queue, the bucket
// of templates and the registry's table. It also keeps the lists of accounts that may
// publish and read templates.
//
// Every step is idempotent: after a crash in the middle, or if a part was
// deleted by hand, doing the same again repairs the hub. The package does not
// depend on Terraform, and never parses a message or a template.
package hub

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	smithytime "github.com/aws/smithy-go/time"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Manager manages one hub with the vendor's clients: its queue, bucket and
// table are in the clients' Region. Keep one for the lifetime of the process: it
// shares writes between concurrent callers and remembers what it has published. It is
// safe for concurrent use.
type Manager struct {
	name     string
	clients  *awsclient.Clients
	registry *registry.Registry
	now      func() time.Time
	random   io.Reader
	sleep    func(context.Context, time.Duration) error

	permissions *Permissions
	templates   publishedTemplates
}

// New returns the Manager of a hub, without checking that the hub exists.
func New(clients *awsclient.Clients, name string, clock func() time.Time, random io.Reader, options ...Option) (*Manager, error) {
	h := &Manager{
		name:    name,
		clients: clients,
		now:     clock,
		random:  random,
		sleep:   smithytime.SleepWithContext,
	}
	for _, set := range options {
		set(h)
	}
	h.registry = registry.New(clients.DynamoDB(), name, clock, registry.WithPrincipal(clients.CallerARN), registry.WithSleep(h.sleep))
	var err error
	h.permissions, err = newPermissions(h)
	return h, err
}

// Option is a setting of New.
type Option func(*Manager)

// WithSleep sets the function that the hub and its registry use to wait for AWS, and for
// leases of other processes. The default sleeps.
func WithSleep(wait func(context.Context, time.Duration) error) Option {
	return func(h *Manager) { h.sleep = wait }
}

// Name returns the hub's name.
func (h *Manager) Name() string { return h.name }

// Registry returns the hub's registry.
func (h *Manager) Registry() *registry.Registry { return h.registry }

// Permissions returns the manager of the lists of accounts that may publish and read
// templates.
func (h *Manager) Permissions() *Permissions { return h.permissions }

// Spec is the desired configuration of a hub.
type Spec struct {
	DisplayName     string
	SupportURL      string
	Regions         []account.Region // with a topic each; at least one
	PublisherScope  onboarding.PublisherScope
	TemplateAccess  onboarding.TemplateAccess
	ResponseTimeout time.Duration
	SkipSignatures  bool                // do not check SNS's signatures of messages
	EventBus        account.EventBusARN // the vendor's own; zero: no events are published
	KMSKey          account.KMSKeyARN   // for table and queues; zero: AWS's own keys
	ConnectPage     onboarding.ConnectPage
	WebhookURL      string // receives the events that are sent to the bus; empty: no webhook
	Capacity        int
	Shards          int // topics in every Region; at least 1
	Tags            map[string]string

	// Incarnation is set when a hub is created or taken over. Update keeps the existing
	// one.
	Incarnation onboarding.Incarnation
	// Owner is the tool that manages the hub. Adopt is set if that tool may take over
	// the hub from another tool.
	Owner onboarding.Owner
	Adopt bool

	// Bucket is the template bucket that a CloudFormation stack created with the other
	// parts of the hub; empty if the hub creates its own.
	Bucket string
}

// State is the state of a hub's resources as read from AWS.
type State struct {
	Record registry.HubRecord

	QueueARN           string
	DeadLetterQueueARN string

	// Topics are the existing topics, by Region and then by shard.
	Topics map[account.Region][]account.TopicARN

	// Lists are the lists of publishers and of readers, for Reconcile.
	Lists map[registry.ListKey]registry.Shard

	// Defects are the defects that Update would repair, sorted.
	Defects []Defect

	// PoliciesOutdated is set if a topic's policy is older than the registry's list of
	// publishers: customers may be unable to publish. Permissions().Repair repairs it.
	PoliciesOutdated bool
}

// LiveError indicates that stacks of customers need the hub, or its topics in one
// Region. Without these the Delete requests of the stacks would reach no registrar, and
// the deletion of the stacks would hang.
type LiveError struct {
	Hub    string
	Region account.Region // zero: the whole hub
	Stacks []LiveStack
	// Links are the IDs of the customers with an open link, who can create a stack at
	// any time; set only if the whole hub would be deleted.
	Links []string
}

// LiveStack is a stack of a customer that still has a Delete request to send.
type LiveStack struct {
	CustomerID string
	Stack      account.StackARN
}

func (e *LiveError) Error() string {
	where := "hub " + e.Hub
	if !e.Region.IsZero() {
		where += "'s Region " + e.Region.String()
	}
	var found []string
	if len(e.Stacks) > 0 {
		lines := make([]string, len(e.Stacks))
		for i, s := range e.Stacks {
			lines[i] = fmt.Sprintf("customer %s: %s", s.CustomerID, cmp.Or(s.Stack.String(), "a stack that is not known since the table was restored"))
		}
		found = append(found, fmt.Sprintf("%s has %s of customers, which could not be deleted any more without hanging for as long as CloudFormation waits:\n%s",
			where, onboarding.Counted(len(e.Stacks), "live stack"), onboarding.SomeLines("  ", lines)))
	}
	if len(e.Links) > 0 {
		found = append(found, fmt.Sprintf("%s has %s, whose %s may launch at any moment: %s", where, onboarding.Counted(len(e.Links), "open link"), onboarding.Plural(len(e.Links), "customer", "customers"), onboarding.SomeOf(e.Links)))
	}
	return strings.Join(found, "\n")
}

// Live returns the customers' stacks that still have a Delete request to send, sorted
// by customer.
func (h *Manager) Live(ctx context.Context) ([]LiveStack, error) {
	customers, err := h.registry.Customers(ctx)
	if err != nil {
		return nil, h.clients.Explain(err, h.tableARN())
	}
	return LiveStacks(customers), nil
}

// LiveStacks returns those stacks of customers that still have a Delete request to
// send.
func LiveStacks(customers []onboarding.Customer) []LiveStack {
	var live []LiveStack
	for _, customer := range customers {
		for _, r := range customer.Registrations {
			if r.Live() && !r.Adopted() {
				live = append(live, LiveStack{r.CustomerID, r.Stack})
			}
			for _, stack := range r.Superseded {
				live = append(live, LiveStack{r.CustomerID, stack})
			}
		}
	}
	return live
}

// TopicName returns the name of a shard's topic, the same in every Region.
func TopicName(hub string, shard int) string { return fmt.Sprintf("xacct-%s-%d", hub, shard) }

// CustomersPerTopic is the number of customers for whom the policy of one topic has
// room (aws-facts 5.1), less a reserve, because customers are distributed over topics
// by hash.
const CustomersPerTopic = 1500

// Shards returns the number of topics in each Region that a capacity requires.
func Shards(capacity int) int {
	return max(1, (capacity+CustomersPerTopic-1)/CustomersPerTopic)
}

// MaxShards is the maximum number of topics in a Region. TopicPatterns match shard
// numbers of at most two digits.
const MaxShards = 100

// MaxCapacity is the maximum number of customers of a hub, in all Regions together.
const MaxCapacity = MaxShards * CustomersPerTopic

// TopicPatterns returns IAM patterns that match the names of all topics of a hub and no
// topic of another hub: the topic names of a hub with a longer name have more
// characters.
func TopicPatterns(hub string) []string {
	return []string{"xacct-" + hub + "-?", "xacct-" + hub + "-??"}
}

// QueueName returns the name of the hub's queue.
func QueueName(hub string) string { return "xacct-" + hub }

// DeadLetterQueueName returns the name of the queue for messages that could not be
// handled.
func DeadLetterQueueName(hub string) string { return "xacct-" + hub + "-dead-letters" }

func (h *Manager) topic(region account.Region, shard int) account.TopicARN {
	return account.TopicARN{Region: region, Account: h.clients.Account, Name: TopicName(h.name, shard)}
}

// topics returns all topics of the Regions, by Region and then by shard.
func (h *Manager) topics(regions []account.Region, shards int) []account.TopicARN {
	var all []account.TopicARN
	for _, region := range regions {
		for shard := range shards {
			all = append(all, h.topic(region, shard))
		}
	}
	return all
}

func (h *Manager) queueARN(name string) string {
	return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", h.clients.Partition(), h.clients.Region, h.clients.Account, name)
}

func (h *Manager) bucketARN(name string) string {
	return fmt.Sprintf("arn:%s:s3:::%s", h.clients.Partition(), name)
}

func (h *Manager) tableARN() string {
	return fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s", h.clients.Partition(), h.clients.Region, h.clients.Account, h.registry.Table())
}

// sortRegions returns the Regions sorted and without duplicates.
func sortRegions(regions []account.Region) []account.Region {
	sorted := slices.SortedFunc(slices.Values(regions), func(a, b account.Region) int {
		return strings.Compare(a.String(), b.String())
	})
	return slices.Compact(sorted)
}

// without returns the Regions that are not in other.
func without(regions, other []account.Region) []account.Region {
	return slices.DeleteFunc(slices.Clone(regions), func(r account.Region) bool { return slices.Contains(other, r) })
}
