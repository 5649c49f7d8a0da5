// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// This file has the operations on queues; send.go, receive.go and settle.go
// have those on messages.

// cooldown is how long the name of a deleted queue cannot be used, and the
// shortest time between two purges of a queue.
const cooldown = 60 * time.Second

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Service) createQueue(c *kernel.Call) (any, error) {
	var in struct {
		QueueName  string
		Attributes map[string]string
		Tags       map[string]string `json:"tags"`
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	if !queueName.MatchString(in.QueueName) {
		return nil, errParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if c.Principal == nil {
		return nil, kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access to the resource is denied.")
	}
	key := queueKey{c.Principal.Account, c.Region, in.QueueName}
	if err := s.allow(c, "CreateQueue", key, ""); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.allow(c, "TagQueue", key, ""); err != nil {
			return nil, err
		}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	out := map[string]string{"QueueUrl": s.queueURL(key)}
	if old, ok := s.queues[key]; ok {
		if name := old.attributes.differs(in.Attributes); name != "" {
			return nil, kernel.Errorf(http.StatusBadRequest, "QueueNameExists",
				"A queue already exists with the same name and a different value for attribute %s", name)
		}
		return out, nil
	}
	if at, ok := s.deleted[key]; ok && now.Before(at.Add(cooldown)) {
		return nil, kernel.Errorf(http.StatusBadRequest, "QueueDeletedRecently",
			"You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	q := newQueue(key, now)
	if err := s.set(q, in.Attributes); err != nil {
		return nil, err
	}
	if err := q.tag(in.Tags); err != nil {
		return nil, err
	}
	s.queues[key] = q
	delete(s.deleted, key)
	return out, nil
}

func (s *Service) getQueueURL(c *kernel.Call) (any, error) {
	var in struct{ QueueName, QueueOwnerAWSAccountId string }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	account := in.QueueOwnerAWSAccountId
	if account == "" && c.Principal != nil {
		account = c.Principal.Account
	}
	q, err := s.find(c, "GetQueueUrl", queueKey{account, c.Region, in.QueueName})
	if err != nil {
		return nil, err
	}
	return map[string]string{"QueueUrl": s.queueURL(q.key)}, nil
}

func (s *Service) getQueueAttributes(c *kernel.Call) (any, error) {
	var in struct {
		QueueUrl       string
		AttributeNames []string
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, "GetQueueAttributes", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := q.describe(s.clock.Now())
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		switch {
		case name == "All":
			out = all
			return struct{ Attributes map[string]string }{out}, nil
		case !knownAttribute(name):
			return nil, kernel.Errorf(http.StatusBadRequest, "InvalidAttributeName", "Unknown Attribute %s.", name)
		}
		if v, ok := all[name]; ok {
			out[name] = v
		}
	}
	return struct {
		Attributes map[string]string `json:",omitempty"`
	}{out}, nil
}

func (s *Service) setQueueAttributes(c *kernel.Call) (any, error) {
	var in struct {
		QueueUrl   string
		Attributes map[string]string
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, errMissing("Attribute.Name")
	}
	q, err := s.findByURL(c, "SetQueueAttributes", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.set(q, in.Attributes); err != nil {
		return nil, err
	}
	q.modified = s.clock.Now()
	q.wake() // the time that receivers wait for may have changed
	return nil, nil
}

func (s *Service) deleteQueue(c *kernel.Call) (any, error) {
	var in struct{ QueueUrl string }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, "DeleteQueue", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, q.key)
	s.deleted[q.key] = s.clock.Now()
	q.deleted = true
	q.wake()
	return nil, nil
}

func (s *Service) listQueues(c *kernel.Call) (any, error) {
	var in struct {
		QueueNamePrefix string
		NextToken       string
		MaxResults      *int
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	if c.Principal == nil {
		return nil, kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access to the resource is denied.")
	}
	if err := s.allow(c, "ListQueues", queueKey{c.Principal.Account, c.Region, "*"}, ""); err != nil {
		return nil, err
	}
	s.mu.Lock()
	var names []string
	for key := range s.queues {
		if key.account == c.Principal.Account && key.region == c.Region && strings.HasPrefix(key.name, in.QueueNamePrefix) {
			names = append(names, key.name)
		}
	}
	s.mu.Unlock()
	return s.page(c, c.Principal.Account, names, in.NextToken, in.MaxResults, "QueueUrls")
}

func (s *Service) listDeadLetterSourceQueues(c *kernel.Call) (any, error) {
	var in struct {
		QueueUrl   string
		NextToken  string
		MaxResults *int
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, "ListDeadLetterSourceQueues", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	var names []string
	for _, other := range s.queues {
		if target, _, ok := other.redrive(); ok && target == q.key.arn() {
			names = append(names, other.key.name)
		}
	}
	s.mu.Unlock()
	return s.page(c, q.key.account, names, in.NextToken, in.MaxResults, "queueUrls")
}

// page returns the result of an operation that lists queues: the URLs of one
// page of names. The token is the last name of the previous page.
func (s *Service) page(c *kernel.Call, account string, names []string, token string, limit *int, member string) (any, error) {
	size := 1000
	if limit != nil {
		size = *limit
		if size < 1 || size > 1000 {
			return nil, errParameter("Value %d for parameter MaxResults is invalid. Reason: Must be between 1 and 1000, if provided.", size)
		}
	}
	slices.Sort(names)
	urls := []string{}
	out := map[string]any{}
	last := ""
	for _, name := range names {
		if name <= token {
			continue
		}
		if len(urls) == size {
			// As on AWS, a token is returned only if MaxResults is set.
			if limit != nil {
				out["NextToken"] = last
			}
			break
		}
		urls = append(urls, s.queueURL(queueKey{account, c.Region, name}))
		last = name
	}
	if len(urls) > 0 {
		out[member] = urls
	}
	return out, nil
}

func (s *Service) purgeQueue(c *kernel.Call) (any, error) {
	var in struct{ QueueUrl string }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, "PurgeQueue", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	if !q.purged.IsZero() && now.Before(q.purged.Add(cooldown)) {
		return nil, kernel.Errorf(http.StatusForbidden, "PurgeQueueInProgress",
			"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.key.name)
	}
	q.messages, q.purged = nil, now
	return nil, nil
}

func (s *Service) tagQueue(c *kernel.Call) (any, error) {
	var in struct {
		QueueUrl string
		Tags     map[string]string
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, "TagQueue", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return nil, q.tag(in.Tags)
}

func (s *Service) untagQueue(c *kernel.Call) (any, error) {
	var in struct {
		QueueUrl string
		TagKeys  []string
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, "UntagQueue", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range in.TagKeys {
		delete(q.tags, key)
	}
	return nil, nil
}

func (s *Service) listQueueTags(c *kernel.Call) (any, error) {
	var in struct{ QueueUrl string }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, "ListQueueTags", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := struct {
		Tags map[string]string `json:",omitempty"`
	}{map[string]string{}}
	for k, v := range q.tags {
		out.Tags[k] = v
	}
	return out, nil
}

// findByURL returns the queue with a URL. It returns an error if the caller may
// not use the action on it, or if there is none. Any host is accepted, because
// callers may connect to the sandbox by several.
func (s *Service) findByURL(c *kernel.Call, action, rawURL string) (*queue, error) {
	if rawURL == "" {
		return nil, errMissing("QueueUrl")
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, kernel.Errorf(http.StatusNotFound, "InvalidAddress", "The address %s is not valid for this endpoint.", rawURL)
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) != 2 {
		return nil, kernel.Errorf(http.StatusNotFound, "InvalidAddress", "The address %s is not valid for this endpoint.", rawURL)
	}
	return s.find(c, action, queueKey{parts[0], c.Region, parts[1]})
}

// find returns a queue by its key. It returns an error if the caller may not
// use the action on it, or if there is none.
func (s *Service) find(c *kernel.Call, action string, key queueKey) (*queue, error) {
	s.mu.Lock()
	q := s.queues[key]
	policy := ""
	if q != nil {
		policy = q.attributes["Policy"]
	} else if c.Principal != nil {
		// A missing queue has no policy: only the caller's own policies decide
		// whether the caller learns that it does not exist.
		own := key
		own.account = c.Principal.Account
		s.mu.Unlock()
		if err := s.allow(c, action, own, ""); err != nil {
			return nil, err
		}
		return nil, errNoQueue()
	}
	s.mu.Unlock()
	if err := s.allow(c, action, key, policy); err != nil {
		return nil, err
	}
	return q, nil
}

// queueURL returns ENDPOINT/ACCOUNT/NAME, which does not contain the Region.
func (s *Service) queueURL(key queueKey) string { return s.url + "/" + key.account + "/" + key.name }

func unixSeconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
func unixMillis(t time.Time) string  { return strconv.FormatInt(t.UnixMilli(), 10) }
