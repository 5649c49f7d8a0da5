// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package logs is the sandbox's CloudWatch Logs, with what a stack needs: log
// groups with their retention and tags, in the JSON 1.1 protocol. Identity
// policies authorize every call. There are no log streams, log events, KMS keys,
// filters or subscriptions: those calls and parameters are refused.
package logs

import (
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Service is CloudWatch Logs for all accounts and Regions of a sandbox.
type Service struct {
	clock      *kernel.Clock
	authorizer kernel.Authorizer

	mu     sync.Mutex
	groups map[groupKey]*group
}

type groupKey struct{ account, region, name string }

func (k groupKey) arn() string {
	return "arn:" + kernel.Partition(k.region) + ":logs:" + k.region + ":" + k.account + ":log-group:" + k.name
}

type group struct {
	created   time.Time
	retention int // days; 0 if log events never expire
	tags      map[string]string
}

// New returns a Service without log groups.
func New(env kernel.Env) *Service {
	return &Service{clock: env.Clock, authorizer: env.Authorizer, groups: map[groupKey]*group{}}
}

var _ kernel.Service = (*Service)(nil)

// Action returns the operation in the X-Amz-Target header.
func (s *Service) Action(r *http.Request, _ []byte) string { return kernel.JSONAction(r) }

// EncodeError implements kernel.Service.
func (s *Service) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return kernel.JSON11(kernel.JSONError(c, "com.amazonaws.logs", err))
}

// operations are the functions that decode the input of an operation, authorize
// the call, and execute it.
var operations = map[string]func(*Service, *kernel.Call) (any, error){
	"CreateLogGroup":        (*Service).createLogGroup,
	"DeleteLogGroup":        (*Service).deleteLogGroup,
	"DescribeLogGroups":     (*Service).describeLogGroups,
	"PutRetentionPolicy":    (*Service).putRetentionPolicy,
	"DeleteRetentionPolicy": (*Service).deleteRetentionPolicy,
	"TagResource":           (*Service).tagResource,
	"UntagResource":         (*Service).untagResource,
	"ListTagsForResource":   (*Service).listTags,
}

// Serve executes one operation.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	return kernel.ServeJSON11(s, operations, c)
}

// allow returns nil if the caller may do an action on a log group, or
// AccessDeniedException.
func (s *Service) allow(c *kernel.Call, action string, key groupKey) error {
	err := s.authorizer.Authorize(kernel.Authorization{
		Principal: c.Principal, Action: "logs:" + action, Resource: key.arn(), ResourceAccount: key.account,
	})
	var denied *kernel.Error
	if errors.As(err, &denied) && strings.HasPrefix(denied.Code, "AccessDenied") {
		return kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "%s", denied.Message)
	}
	return err
}

var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

func invalid(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidParameterException", format, args...)
}

func (s *Service) createLogGroup(c *kernel.Call) (any, error) {
	var in struct {
		Name string            `json:"logGroupName"`
		Tags map[string]string `json:"tags"`
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	if !groupName.MatchString(in.Name) || strings.HasPrefix(in.Name, "aws/") {
		return nil, invalid("Value '%s' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+", in.Name)
	}
	key := groupKey{c.Principal.Account, c.Region, in.Name}
	if err := s.allow(c, "CreateLogGroup", key); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.allow(c, "TagResource", key); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[key] != nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceAlreadyExistsException", "The specified log group already exists")
	}
	tags := maps.Clone(in.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	s.groups[key] = &group{created: s.clock.Now(), tags: tags}
	return struct{}{}, nil
}

// withGroup calls do with a log group, while it holds the lock, if the caller may
// do the action on the group. It returns ResourceNotFoundException if the group
// does not exist.
func (s *Service) withGroup(c *kernel.Call, name, action string, do func(*group) (any, error)) (any, error) {
	key := groupKey{c.Principal.Account, c.Region, name}
	if err := s.allow(c, action, key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[key]
	if g == nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "The specified log group does not exist.")
	}
	return do(g)
}

type nameInput struct {
	Name string `json:"logGroupName"`
}

func (s *Service) deleteLogGroup(c *kernel.Call) (any, error) {
	var in nameInput
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	return s.withGroup(c, in.Name, "DeleteLogGroup", func(*group) (any, error) {
		delete(s.groups, groupKey{c.Principal.Account, c.Region, in.Name})
		return struct{}{}, nil
	})
}

func (s *Service) describeLogGroups(c *kernel.Call) (any, error) {
	var in struct {
		Prefix string `json:"logGroupNamePrefix"`
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	if err := s.allow(c, "DescribeLogGroups", groupKey{c.Principal.Account, c.Region, "*"}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	type described struct {
		Name      string `json:"logGroupName"`
		ARN       string `json:"arn"`
		Created   int64  `json:"creationTime"`
		Retention int    `json:"retentionInDays,omitempty"`
		Class     string `json:"logGroupClass"`
	}
	out := struct {
		Groups []described `json:"logGroups"`
	}{[]described{}}
	for key, g := range s.groups {
		if key.account == c.Principal.Account && key.region == c.Region && strings.HasPrefix(key.name, in.Prefix) {
			out.Groups = append(out.Groups, described{key.name, key.arn() + ":*", g.created.UnixMilli(), g.retention, "STANDARD"})
		}
	}
	slices.SortFunc(out.Groups, func(a, b described) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// retentions are the valid retention periods, in days.
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (s *Service) putRetentionPolicy(c *kernel.Call) (any, error) {
	var in struct {
		nameInput
		Days int `json:"retentionInDays"`
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	return s.withGroup(c, in.Name, "PutRetentionPolicy", func(g *group) (any, error) {
		if !slices.Contains(retentions, in.Days) {
			return nil, invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint", in.Days)
		}
		g.retention = in.Days
		return struct{}{}, nil
	})
}

func (s *Service) deleteRetentionPolicy(c *kernel.Call) (any, error) {
	var in nameInput
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	return s.withGroup(c, in.Name, "DeleteRetentionPolicy", func(g *group) (any, error) {
		g.retention = 0
		return struct{}{}, nil
	})
}

// nameOf returns the name of a log group from its ARN, with or without ":*" at
// the end.
func nameOf(arn string) string {
	_, name, _ := strings.Cut(arn, ":log-group:")
	return strings.TrimSuffix(name, ":*")
}

func (s *Service) tagResource(c *kernel.Call) (any, error) {
	var in struct {
		ARN  string            `json:"resourceArn"`
		Tags map[string]string `json:"tags"`
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	return s.withGroup(c, nameOf(in.ARN), "TagResource", func(g *group) (any, error) {
		tags := maps.Clone(g.tags)
		if maps.Copy(tags, in.Tags); len(tags) > 50 {
			return nil, kernel.Errorf(http.StatusBadRequest, "TooManyTagsException", "A log group has at most 50 tags.")
		}
		g.tags = tags
		return struct{}{}, nil
	})
}

func (s *Service) untagResource(c *kernel.Call) (any, error) {
	var in struct {
		ARN  string   `json:"resourceArn"`
		Keys []string `json:"tagKeys"`
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	return s.withGroup(c, nameOf(in.ARN), "UntagResource", func(g *group) (any, error) {
		for _, key := range in.Keys {
			delete(g.tags, key)
		}
		return struct{}{}, nil
	})
}

func (s *Service) listTags(c *kernel.Call) (any, error) {
	var in struct {
		ARN string `json:"resourceArn"`
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	return s.withGroup(c, nameOf(in.ARN), "ListTagsForResource", func(g *group) (any, error) {
		return map[string]any{"tags": maps.Clone(g.tags)}, nil
	})
}
