// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kms

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// withOwnKey lists the services that have a key of their own in each account and
// Region, such as alias/aws/sqs.
var withOwnKey = []string{"sqs", "dynamodb"}

var aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)

// target returns the ARN of the key that an alias refers to, by the alias's ARN.
// A service's own key is created on first use. The caller holds the lock.
func (s *Service) target(alias string) (string, error) {
	if arn, found := s.aliases[alias]; found {
		return arn, nil
	}
	parts := strings.SplitN(alias, ":", 6)
	service, isAWS := strings.CutPrefix(parts[5], "alias/aws/")
	if !isAWS || !slices.Contains(withOwnKey, service) {
		return "", invalid("NotFoundException", "Alias %s is not found.", alias)
	}
	k, err := s.newKey(parts[3], parts[4])
	if err != nil {
		return "", err
	}
	k.manager, k.policy = "AWS", managedPolicy(parts[3], parts[4], service)
	k.description = "Default key that protects the account's data in " + service
	s.keys[k.arn], s.aliases[alias] = k, k.arn
	return k.arn, nil
}

type aliasInput struct{ AliasName, TargetKeyId string }

// authorizeAlias returns the key of an alias if the caller may do the action on both
// the alias and the key.
func (s *Service) authorizeAlias(c *kernel.Call, action, alias, keyName string) (*key, error) {
	if err := s.authorize(c, action, alias, c.Principal.Account, "", nil); err != nil {
		return nil, err
	}
	return s.allowed(c, action, keyName, nil)
}

func (s *Service) createAlias(c *kernel.Call, in *aliasInput) (any, error) {
	switch {
	case !aliasName.MatchString(in.AliasName):
		return nil, invalid("ValidationException", "1 validation error detected: Value '%s' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^alias/[a-zA-Z0-9/_-]+$", in.AliasName)
	case strings.HasPrefix(in.AliasName, "alias/aws/"):
		return nil, invalid("NotAuthorizedException", "Alias must not begin with alias/aws/.")
	case strings.HasPrefix(in.TargetKeyId, "alias/"):
		return nil, invalid("ValidationException", "Aliases must refer to keys. Not aliases")
	}
	alias := prefix(c.Region, c.Principal.Account) + in.AliasName
	k, err := s.authorizeAlias(c, "CreateAlias", alias, in.TargetKeyId)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aliases[alias] != "" {
		return nil, invalid("AlreadyExistsException", "An alias with the name %s already exists", alias)
	}
	s.aliases[alias] = k.arn
	return nil, nil
}

func (s *Service) deleteAlias(c *kernel.Call, in *aliasInput) (any, error) {
	alias := prefix(c.Region, c.Principal.Account) + in.AliasName
	if _, err := s.authorizeAlias(c, "DeleteAlias", alias, in.AliasName); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.aliases, alias)
	return nil, nil
}

func (s *Service) listAliases(c *kernel.Call, in *pageInput) (any, error) {
	if err := s.authorize(c, "ListAliases", anywhere, c.Principal.Account, "", nil); err != nil {
		return nil, err
	}
	if err := in.onePage(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	list := []map[string]string{}
	own := prefix(c.Region, c.Principal.Account)
	for _, alias := range slices.Sorted(maps.Keys(s.aliases)) {
		name, mine := strings.CutPrefix(alias, own)
		if k := s.keys[s.aliases[alias]]; mine && (in.KeyId == "" || in.KeyId == k.id || in.KeyId == k.arn) {
			list = append(list, map[string]string{"AliasName": name, "AliasArn": alias, "TargetKeyId": k.id})
		}
	}
	return map[string]any{"Aliases": list, "Truncated": false}, nil
}

type tag struct{ TagKey, TagValue string }

type tagInput struct {
	KeyId   string
	Tags    []tag
	TagKeys []string
}

// tag adds tags to a key. It returns KMS's error if a tag is invalid, or if there
// would be more than 50. The caller holds the lock, or the key is new.
func (k *key) tag(tags []tag) error {
	all := maps.Clone(k.tags)
	for _, t := range tags {
		if t.TagKey == "" || len(t.TagKey) > 128 || len(t.TagValue) > 256 || strings.HasPrefix(strings.ToLower(t.TagKey), "aws:") {
			return invalid("TagException", "The tag %q is not valid: a key has 1 to 128 characters and does not begin with aws:, a value has up to 256.", t.TagKey)
		}
		all[t.TagKey] = t.TagValue
	}
	if len(all) > 50 {
		return invalid("LimitExceededException", "Too many tags: %d, the maximum is 50.", len(all))
	}
	k.tags = all
	return nil
}

func (s *Service) tagResource(c *kernel.Call, in *tagInput) (any, error) {
	return s.change(c, "TagResource", in.KeyId, func(k *key) (any, error) { return nil, k.tag(in.Tags) })
}

func (s *Service) untagResource(c *kernel.Call, in *tagInput) (any, error) {
	return s.change(c, "UntagResource", in.KeyId, func(k *key) (any, error) {
		for _, name := range in.TagKeys {
			delete(k.tags, name)
		}
		return nil, nil
	})
}

func (s *Service) listResourceTags(c *kernel.Call, in *pageInput) (any, error) {
	k, err := s.allowed(c, "ListResourceTags", in.KeyId, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tags := []tag{}
	for _, name := range slices.Sorted(maps.Keys(k.tags)) {
		tags = append(tags, tag{name, k.tags[name]})
	}
	return map[string]any{"Tags": tags, "Truncated": false}, in.onePage()
}
