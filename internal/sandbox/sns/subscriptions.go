// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// subscription sends a topic's notifications to a queue.
type subscription struct {
	arn        string
	topic      topicKey
	owner      string // account
	principal  string // ARN of the subscriber
	endpoint   string // ARN of the queue
	attributes map[string]string
	filter     *filter // nil: everything
}

func (sub *subscription) raw() bool { return sub.attributes["RawMessageDelivery"] == "true" }

// deadLetters returns the ARN of the queue for undeliverable messages, or an
// empty string if there is none.
func (sub *subscription) deadLetters() string {
	var redrive struct {
		DeadLetterTargetArn string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(sub.attributes["RedrivePolicy"]), &redrive) != nil {
		return ""
	}
	return redrive.DeadLetterTargetArn
}

// subscribers returns a topic's subscriptions in a fixed order. The caller
// holds the lock.
func (s *Service) subscribers(t *topic) []*subscription {
	var all []*subscription
	for _, sub := range s.subscriptions {
		if sub.topic == t.key {
			all = append(all, sub)
		}
	}
	slices.SortFunc(all, func(a, b *subscription) int { return strings.Compare(a.arn, b.arn) })
	return all
}

func (s *Service) subscribe(c *kernel.Call, q kernel.Query) (any, error) {
	protocol, endpoint := q.Get("Protocol"), q.Get("Endpoint")
	key, err := s.subscribable(c, q.Get("TopicArn"), protocol, endpoint)
	if err != nil {
		return nil, err
	}
	sub := &subscription{
		arn: key.arn() + ":" + kernel.NewRequestID(s.rand), topic: key, owner: c.Principal.Account,
		principal: c.Principal.ARN, endpoint: endpoint, attributes: map[string]string{"RawMessageDelivery": "false"},
	}
	if err := sub.setAll(q.Map("Attributes")); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[key]
	if t == nil {
		return nil, errNoTopic()
	}
	for _, old := range s.subscribers(t) {
		if old.endpoint != endpoint {
			continue
		}
		// As on AWS, an endpoint has only one subscription.
		for name := range q.Map("Attributes") {
			if old.attributes[name] != sub.attributes[name] {
				return nil, errParameter("Attributes Reason: Subscription already exists with different attributes")
			}
		}
		return struct{ SubscriptionArn string }{old.arn}, nil
	}
	s.subscriptions[sub.arn] = sub
	return struct{ SubscriptionArn string }{sub.arn}, nil
}

// subscribable returns the key of a topic, or an error if the caller may not
// subscribe the endpoint to it. A queue of the caller's own account needs no
// confirmation. Any other queue would need it, which is not implemented.
func (s *Service) subscribable(c *kernel.Call, topicARN, protocol, endpoint string) (topicKey, error) {
	key, ok := parseTopicARN(topicARN)
	if !ok || key.region != c.Region {
		return key, errParameter("TopicArn")
	}
	s.mu.Lock()
	t, policy := s.topics[key], ""
	if t != nil {
		policy = t.policy
	}
	s.mu.Unlock()
	if err := s.allow(c, "Subscribe", topicARN, key.account, policy, map[string][]string{
		"sns:protocol": {protocol}, "sns:endpoint": {endpoint},
	}); err != nil {
		return key, err
	}
	if t == nil {
		return key, errNoTopic()
	}
	if protocol != "sqs" {
		return key, errNotInSandbox("subscriptions by protocol " + protocol)
	}
	parts := strings.Split(endpoint, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || parts[1] != kernel.Partition(key.region) {
		return key, errParameter("SQS endpoint ARN")
	}
	if strings.HasSuffix(endpoint, ".fifo") {
		return key, errNotInSandbox("FIFO queues")
	}
	if c.Principal == nil || parts[4] != c.Principal.Account {
		return key, errNotInSandbox("subscriptions that the owner of the queue has to confirm: subscribe it as that account")
	}
	return key, nil
}

func (sub *subscription) setAll(attributes map[string]string) error {
	// The scope decides how the filter policy is parsed, so it comes first.
	if scope, ok := attributes["FilterPolicyScope"]; ok {
		if err := sub.set("FilterPolicyScope", scope); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := sub.set(name, attributes[name]); err != nil {
			return err
		}
	}
	return nil
}

// set checks one attribute and sets it. An empty value, if valid, removes the
// attribute.
func (sub *subscription) set(name, value string) error {
	switch name {
	case "RawMessageDelivery":
		if value != "true" && value != "false" {
			return errParameter("Attributes Reason: RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
	case "FilterPolicy", "FilterPolicyScope":
		return sub.setFilter(name, value)
	case "RedrivePolicy":
		target := (&subscription{attributes: map[string]string{name: value}}).deadLetters()
		if value != "" && len(strings.Split(target, ":")) != 6 {
			return errParameter("RedrivePolicy: deadLetterTargetArn is an invalid arn")
		}
	case "DeliveryPolicy", "SubscriptionRoleArn", "ReplayPolicy":
		if value != "" {
			return errNotInSandbox("the subscription attribute " + name)
		}
	default:
		return errParameter("AttributeName")
	}
	if value == "" {
		delete(sub.attributes, name)
		return nil
	}
	sub.attributes[name] = value
	return nil
}

func (sub *subscription) setFilter(name, value string) error {
	next := maps.Clone(sub.attributes)
	next[name] = value
	if name == "FilterPolicyScope" && value != scopeAttributes && value != scopeBody {
		return errParameter("Attributes Reason: FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", value)
	}
	if next["FilterPolicy"] == "" || next["FilterPolicy"] == "{}" {
		delete(next, "FilterPolicy")
		sub.attributes, sub.filter = next, nil
		return nil
	}
	parsed, err := parseFilter(next["FilterPolicy"], next["FilterPolicyScope"])
	if err != nil {
		return errParameter("FilterPolicy: %v", err)
	}
	sub.attributes, sub.filter = next, parsed
	return nil
}

// unsubscribe succeeds for a subscription that does not exist.
func (s *Service) unsubscribe(c *kernel.Call, q kernel.Query) (any, error) {
	sub, err := s.subscription(c, "Unsubscribe", q)
	if err != nil || sub == nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.topics[sub.topic]; t != nil && s.subscriptions[sub.arn] != nil {
		t.deleted++
	}
	delete(s.subscriptions, sub.arn)
	return nil, nil
}

func (s *Service) getSubscriptionAttributes(c *kernel.Call, q kernel.Query) (any, error) {
	sub, err := s.subscription(c, "GetSubscriptionAttributes", q)
	if err != nil {
		return nil, err
	}
	if sub == nil {
		return nil, errNoSubscription()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(sub.attributes)
	if sub.filter != nil && all["FilterPolicyScope"] == "" {
		all["FilterPolicyScope"] = scopeAttributes
	}
	maps.Copy(all, map[string]string{
		"SubscriptionArn": sub.arn, "TopicArn": sub.topic.arn(), "Owner": sub.owner, "Protocol": "sqs", "Endpoint": sub.endpoint,
		"PendingConfirmation": "false", "ConfirmationWasAuthenticated": "true", "SubscriptionPrincipal": sub.principal,
	})
	return attributeResult(all), nil
}

func (s *Service) setSubscriptionAttributes(c *kernel.Call, q kernel.Query) (any, error) {
	sub, err := s.subscription(c, "SetSubscriptionAttributes", q)
	if err != nil {
		return nil, err
	}
	if sub == nil {
		return nil, errNoSubscription()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return nil, sub.set(q.Get("AttributeName"), q.Get("AttributeValue"))
}

func errNoSubscription() error {
	return kernel.Errorf(http.StatusNotFound, "NotFound", "Subscription does not exist")
}

// subscription returns the subscription with the ARN of the request, or nil if
// there is none. The caller needs the permission on the topic, although IAM's
// reference lists no resource for it (aws-facts 5.12), and no topic policy can
// grant it (5.3).
func (s *Service) subscription(c *kernel.Call, action string, q kernel.Query) (*subscription, error) {
	arn := q.Get("SubscriptionArn")
	cut := strings.LastIndexByte(arn, ':')
	if cut < 0 {
		return nil, errParameter("SubscriptionArn")
	}
	key, ok := parseTopicARN(arn[:cut])
	if !ok || key.region != c.Region {
		return nil, errParameter("SubscriptionArn Reason: An ARN must have at least 6 elements, not %d", len(strings.Split(arn, ":")))
	}
	s.mu.Lock()
	sub := s.subscriptions[arn]
	s.mu.Unlock()
	owner := key.account
	if sub != nil {
		owner = sub.owner
	}
	if err := s.allow(c, action, key.arn(), owner, "", nil); err != nil {
		return nil, err
	}
	return sub, nil
}

func (s *Service) listSubscriptions(c *kernel.Call, q kernel.Query) (any, error) {
	if c.Principal == nil {
		return nil, kernel.Errorf(http.StatusForbidden, "AuthorizationError", "Anonymous callers can't list subscriptions.")
	}
	every := topicKey{c.Principal.Account, c.Region, "*"}
	if err := s.allow(c, "ListSubscriptions", every.arn(), every.account, "", nil); err != nil {
		return nil, err
	}
	return s.listed(q, func(sub *subscription) bool {
		return sub.owner == every.account && sub.topic.region == every.region
	})
}

func (s *Service) listSubscriptionsByTopic(c *kernel.Call, q kernel.Query) (any, error) {
	t, err := s.topic(c, "ListSubscriptionsByTopic", q.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	return s.listed(q, func(sub *subscription) bool { return sub.topic == t.key })
}

func (s *Service) listed(q kernel.Query, wanted func(*subscription) bool) (any, error) {
	type member struct{ SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string }
	s.mu.Lock()
	defer s.mu.Unlock()
	var arns []string
	for arn, sub := range s.subscriptions {
		if wanted(sub) {
			arns = append(arns, arn)
		}
	}
	page, next, err := paginate(arns, q.Get("NextToken"))
	if err != nil {
		return nil, err
	}
	var result struct {
		Subscriptions []member `xml:"Subscriptions>member"`
		NextToken     string   `xml:",omitempty"`
	}
	result.NextToken = next
	for _, arn := range page {
		sub := s.subscriptions[arn]
		result.Subscriptions = append(result.Subscriptions, member{arn, sub.owner, "sqs", sub.endpoint, sub.topic.arn()})
	}
	return result, nil
}
