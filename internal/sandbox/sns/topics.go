// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// topicKey identifies a topic. It has the variable parts of the topic's ARN.
type topicKey struct{ account, region, name string }

func (k topicKey) arn() string {
	return "arn:" + kernel.Partition(k.region) + ":sns:" + k.region + ":" + k.account + ":" + k.name
}

// parseTopicARN parses arn:PARTITION:sns:REGION:ACCOUNT:NAME, and reports
// whether it is valid.
func parseTopicARN(arn string) (topicKey, bool) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[2] != "sns" {
		return topicKey{}, false
	}
	key := topicKey{account: parts[4], region: parts[3], name: parts[5]}
	return key, key.arn() == arn && key.region != "" && len(key.account) == 12 && key.name != ""
}

type topic struct {
	key        topicKey
	policy     string
	attributes map[string]string // the attributes that were set, except the policy
	tags       map[string]string
	deleted    int // subscriptions
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

func (s *Service) createTopic(c *kernel.Call, q kernel.Query) (any, error) {
	name := q.Get("Name")
	if !topicName.MatchString(name) {
		return nil, errParameter("Topic Name")
	}
	if c.Principal == nil {
		return nil, kernel.Errorf(http.StatusForbidden, "AuthorizationError", "Anonymous callers can't create topics.")
	}
	if q.Has("DataProtectionPolicy") {
		return nil, errNotInSandbox("data protection policies")
	}
	t := &topic{
		key:        topicKey{c.Principal.Account, c.Region, name},
		attributes: map[string]string{}, tags: map[string]string{},
	}
	t.policy = defaultPolicy(t.key)
	arn := t.key.arn()
	if err := s.allow(c, "CreateTopic", arn, t.key.account, "", nil); err != nil {
		return nil, err
	}
	for name, value := range q.Map("Attributes") {
		if err := s.setAttribute(t, name, value); err != nil {
			return nil, err
		}
	}
	tags, err := queryTags(q)
	if err != nil {
		return nil, err
	}
	if len(tags) > 0 {
		if err := s.allow(c, "TagResource", arn, t.key.account, "", nil); err != nil {
			return nil, err
		}
	}
	t.tags = tags

	s.mu.Lock()
	defer s.mu.Unlock()
	result := struct{ TopicArn string }{arn}
	old, found := s.topics[t.key]
	if !found {
		s.topics[t.key] = t
		return result, nil
	}
	for name := range q.Map("Attributes") {
		if old.attribute(name) != t.attribute(name) {
			return nil, errParameter("Attributes Reason: Topic already exists with different attributes")
		}
	}
	if len(tags) > 0 && !maps.Equal(old.tags, tags) {
		return nil, errParameter("Tags Reason: Topic already exists with different tags")
	}
	return result, nil
}

func (t *topic) attribute(name string) string {
	if name == "Policy" {
		return t.policy
	}
	return t.attributes[name]
}

// setAttribute checks an attribute and sets it on the topic. The caller holds
// the lock, or the topic is not yet public.
func (s *Service) setAttribute(t *topic, name, value string) error {
	switch name {
	case "Policy":
		policy, err := s.checkPolicy(t.key, value)
		if err != nil {
			return err
		}
		t.policy = policy
		return nil
	case "DisplayName":
		if len(value) > 100 {
			return errParameter("DisplayName Reason: must be at most 100 characters")
		}
	case "SignatureVersion":
		if value != "1" && value != "2" {
			return errParameter("SignatureVersion Reason: Invalid value [%s]", value)
		}
	case "TracingConfig":
		if value != "PassThrough" && value != "Active" {
			return errParameter("TracingConfig Reason: Invalid value [%s]", value)
		}
	case "DeliveryPolicy": // for HTTP, to which the sandbox does not deliver
		if value != "" && !json.Valid([]byte(value)) {
			return errParameter("DeliveryPolicy: failed to parse JSON")
		}
	case "KmsMasterKeyId": // stored; no message is accepted while it is set
	default:
		return refuseAttribute(name, value)
	}
	if value == "" {
		delete(t.attributes, name)
		return nil
	}
	t.attributes[name] = value
	return nil
}

// refuseAttribute returns the error for an attribute that the sandbox does not
// implement, or that AWS does not have. It returns nil if the value switches
// off a feature that is not implemented.
func refuseAttribute(name, value string) error {
	others := []string{"FifoTopic", "ContentBasedDeduplication", "ArchivePolicy", "FifoThroughputScope"}
	for _, protocol := range []string{"HTTP", "Firehose", "Lambda", "Application", "SQS"} {
		for _, feedback := range []string{"SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"} {
			others = append(others, protocol+feedback)
		}
	}
	switch {
	case !slices.Contains(others, name):
		return errParameter("AttributeName")
	case value == "" || value == "false":
		return nil
	default:
		return errNotInSandbox("the topic attribute " + name)
	}
}

// effectiveDeliveryPolicy is what AWS returns for a topic without a delivery
// policy.
const effectiveDeliveryPolicy = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,` +
	`"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},` +
	`"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`

func (s *Service) getTopicAttributes(c *kernel.Call, q kernel.Query) (any, error) {
	t, err := s.topic(c, "GetTopicAttributes", q.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(t.attributes)
	all["TopicArn"] = t.key.arn()
	all["Owner"] = t.key.account
	all["Policy"] = t.policy
	all["DisplayName"] = t.attributes["DisplayName"]
	all["EffectiveDeliveryPolicy"] = effectiveDeliveryPolicy
	all["SubscriptionsConfirmed"] = strconv.Itoa(len(s.subscribers(t)))
	all["SubscriptionsPending"] = "0"
	all["SubscriptionsDeleted"] = strconv.Itoa(t.deleted)
	return attributeResult(all), nil
}

func (s *Service) setTopicAttributes(c *kernel.Call, q kernel.Query) (any, error) {
	t, err := s.topic(c, "SetTopicAttributes", q.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return nil, s.setAttribute(t, q.Get("AttributeName"), q.Get("AttributeValue"))
}

// deleteTopic succeeds for a topic that does not exist, as on AWS.
func (s *Service) deleteTopic(c *kernel.Call, q kernel.Query) (any, error) {
	t, err := s.topic(c, "DeleteTopic", q.Get("TopicArn"))
	var fault *kernel.Error
	if errors.As(err, &fault) && fault.Code == "NotFound" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subscribers(t) {
		delete(s.subscriptions, sub.arn)
	}
	delete(s.topics, t.key)
	return nil, nil
}

func (s *Service) listTopics(c *kernel.Call, q kernel.Query) (any, error) {
	if c.Principal == nil {
		return nil, kernel.Errorf(http.StatusForbidden, "AuthorizationError", "Anonymous callers can't list topics.")
	}
	every := topicKey{c.Principal.Account, c.Region, "*"}
	if err := s.allow(c, "ListTopics", every.arn(), every.account, "", nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	var arns []string
	for key := range s.topics {
		if key.account == every.account && key.region == every.region {
			arns = append(arns, key.arn())
		}
	}
	s.mu.Unlock()
	page, next, err := paginate(arns, q.Get("NextToken"))
	if err != nil {
		return nil, err
	}
	type member struct{ TopicArn string }
	var result struct {
		Topics    []member `xml:"Topics>member"`
		NextToken string   `xml:",omitempty"`
	}
	result.NextToken = next
	for _, arn := range page {
		result.Topics = append(result.Topics, member{arn})
	}
	return result, nil
}

// topic returns a topic by its ARN. It returns an error if the caller may not
// use the action on it, or if there is none. A topic exists only in its own
// Region (aws-facts 1.6).
func (s *Service) topic(c *kernel.Call, action, arn string) (*topic, error) {
	key, ok := parseTopicARN(arn)
	if !ok || key.region != c.Region {
		return nil, errParameter("TopicArn")
	}
	s.mu.Lock()
	t, policy := s.topics[key], ""
	if t != nil {
		policy = t.policy
	}
	s.mu.Unlock()
	if t == nil {
		// A missing topic has no policy: only the caller's own policies decide
		// whether the caller learns that it does not exist.
		owner := ""
		if c.Principal != nil {
			owner = c.Principal.Account
		}
		if err := s.allow(c, action, arn, owner, "", nil); err != nil {
			return nil, err
		}
		return nil, errNoTopic()
	}
	return t, s.allow(c, action, arn, key.account, policy, nil)
}

const pageSize = 100

// paginate returns one page of the sorted names, and the token of the next
// page, which encodes the last name of this one.
func paginate(names []string, token string) (page []string, next string, err error) {
	after, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return nil, "", errParameter("NextToken")
	}
	slices.Sort(names)
	first, found := slices.BinarySearch(names, string(after))
	if found {
		first++
	}
	page = names[first:]
	if len(page) > pageSize {
		page = page[:pageSize]
		next = base64.StdEncoding.EncodeToString([]byte(page[pageSize-1]))
	}
	return page, next, nil
}

type entry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// attributeResult returns the Result of operations that return attributes.
func attributeResult(all map[string]string) any {
	var result struct {
		Attributes []entry `xml:"Attributes>entry"`
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		result.Attributes = append(result.Attributes, entry{name, all[name]})
	}
	return result
}
