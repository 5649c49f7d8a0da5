// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

func (s *Service) tagResource(c *kernel.Call, q kernel.Query) (any, error) {
	t, err := s.tagged(c, "TagResource", q)
	if err != nil {
		return nil, err
	}
	tags, err := queryTags(q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(t.tags)
	maps.Copy(all, tags)
	if len(all) > maxTags {
		return nil, errTooManyTags()
	}
	t.tags = all
	return struct{}{}, nil
}

func (s *Service) untagResource(c *kernel.Call, q kernel.Query) (any, error) {
	t, err := s.tagged(c, "UntagResource", q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range q.List("TagKeys") {
		delete(t.tags, key)
	}
	return struct{}{}, nil
}

func (s *Service) listTagsForResource(c *kernel.Call, q kernel.Query) (any, error) {
	t, err := s.tagged(c, "ListTagsForResource", q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	type tag struct{ Key, Value string }
	var result struct {
		Tags []tag `xml:"Tags>member"`
	}
	for _, key := range slices.Sorted(maps.Keys(t.tags)) {
		result.Tags = append(result.Tags, tag{key, t.tags[key]})
	}
	return result, nil
}

// tagged returns the topic in ResourceArn, or an error. The tag operations have
// their own error code for a missing topic.
func (s *Service) tagged(c *kernel.Call, action string, q kernel.Query) (*topic, error) {
	t, err := s.topic(c, action, q.Get("ResourceArn"))
	var fault *kernel.Error
	if errors.As(err, &fault) && fault.Code == "NotFound" {
		return nil, kernel.Errorf(http.StatusNotFound, "ResourceNotFound", "Resource does not exist")
	}
	return t, err
}

const maxTags = 50

func errTooManyTags() error {
	return kernel.Errorf(http.StatusBadRequest, "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
}

func queryTags(q kernel.Query) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range q.Structs("Tags") {
		key := t.Get("Key")
		if _, twice := tags[key]; twice {
			return nil, errParameter("Duplicated keys are not allowed.")
		}
		if key == "" || utf8.RuneCountInString(key) > 128 || utf8.RuneCountInString(t.Get("Value")) > 256 {
			return nil, errParameter("Tags Reason: a key has 1 to 128 characters, a value at most 256")
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, errParameter("Tags Reason: keys that begin with aws: are reserved")
		}
		tags[key] = t.Get("Value")
	}
	if len(tags) > maxTags {
		return nil, errTooManyTags()
	}
	return tags, nil
}
