// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// The settings of a table that have their own operations are in this file:
// point-in-time recovery, time to live and tags.

// backups is the state of point-in-time recovery that is on: the items that the
// writes since then replaced.
type backups struct {
	since   time.Time
	days    int
	changes []change // the oldest first
}

type continuousBackupsInput struct {
	TableName                        string
	PointInTimeRecoverySpecification *struct {
		PointInTimeRecoveryEnabled *bool
		RecoveryPeriodInDays       *int
	}
}

func (s *Service) updateContinuousBackups(c *kernel.Call, in *continuousBackupsInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findTable(c, in.TableName, "UpdateContinuousBackups")
	if err != nil {
		return nil, err
	}
	spec := in.PointInTimeRecoverySpecification
	if spec == nil || spec.PointInTimeRecoveryEnabled == nil {
		return nil, invalid("1 validation error detected: Value null at 'pointInTimeRecoverySpecification' failed to satisfy constraint: Member must not be null")
	}
	days := 35
	if spec.RecoveryPeriodInDays != nil {
		days = *spec.RecoveryPeriodInDays
	}
	if days < 1 || days > 35 {
		return nil, invalid("1 validation error detected: Value '%d' at 'recoveryPeriodInDays' failed to satisfy constraint: Member must be between 1 and 35", days)
	}
	switch {
	case !*spec.PointInTimeRecoveryEnabled:
		t.backups = nil
	case t.backups == nil:
		t.backups = &backups{since: s.env.Clock.Now(), days: days}
	default:
		t.backups.days = days
	}
	return t.describeBackups(s.env.Clock.Now()), nil
}

type describeBackupsInput struct{ TableName string }

func (s *Service) describeContinuousBackups(c *kernel.Call, in *describeBackupsInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findTable(c, in.TableName, "DescribeContinuousBackups")
	if err != nil {
		return nil, err
	}
	return t.describeBackups(s.env.Clock.Now()), nil
}

func (t *table) describeBackups(now time.Time) any {
	recovery := map[string]any{"PointInTimeRecoveryStatus": "DISABLED"}
	if t.backups != nil {
		recovery = map[string]any{
			"PointInTimeRecoveryStatus":  "ENABLED",
			"RecoveryPeriodInDays":       t.backups.days,
			"EarliestRestorableDateTime": seconds(t.backups.earliest(now)),
			"LatestRestorableDateTime":   seconds(t.backups.latest(now)),
		}
	}
	return map[string]any{"ContinuousBackupsDescription": map[string]any{
		"ContinuousBackupsStatus":        "ENABLED",
		"PointInTimeRecoveryDescription": recovery,
	}}
}

// findTable is findActive with TableNotFoundException for a missing table,
// which the operations of backups return.
func (s *Service) findTable(c *kernel.Call, name, action string) (*table, error) {
	t, err := s.findActive(c, name, action)
	var e *kernel.Error
	if errors.As(err, &e) && e.Code == "ResourceNotFoundException" {
		return nil, kernel.Errorf(http.StatusBadRequest, "TableNotFoundException", "Table not found: %s", name)
	}
	return t, err
}

type timeToLive struct {
	AttributeName string
	Enabled       *bool
}

type updateTimeToLiveInput struct {
	TableName               string
	TimeToLiveSpecification timeToLive
}

func (s *Service) updateTimeToLive(c *kernel.Call, in *updateTimeToLiveInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findActive(c, in.TableName, "UpdateTimeToLive")
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	switch {
	case spec.AttributeName == "" || spec.Enabled == nil:
		return nil, invalid("1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: Member must not be null")
	case *spec.Enabled && t.ttl != "":
		return nil, invalid("TimeToLive is already enabled")
	case !*spec.Enabled && t.ttl == "":
		return nil, invalid("TimeToLive is already disabled")
	case !*spec.Enabled && t.ttl != spec.AttributeName:
		return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
	case *spec.Enabled:
		t.ttl = spec.AttributeName
	default:
		t.ttl = ""
	}
	return map[string]any{"TimeToLiveSpecification": spec}, nil
}

func (s *Service) describeTimeToLive(c *kernel.Call, in *tableInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findActive(c, in.TableName, "DescribeTimeToLive")
	if err != nil {
		return nil, err
	}
	description := map[string]string{"TimeToLiveStatus": "DISABLED"}
	if t.ttl != "" {
		description = map[string]string{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl}
	}
	return map[string]any{"TimeToLiveDescription": description}, nil
}

type tagInput struct {
	ResourceArn string
	Tags        []tag
	TagKeys     []string
	NextToken   string
}

func (s *Service) tagResource(c *kernel.Call, in *tagInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findByARN(c, in.ResourceArn, "TagResource")
	if err != nil {
		return nil, err
	}
	tags := maps.Clone(t.tags)
	if err := setTags(tags, in.Tags); err != nil {
		return nil, err
	}
	t.tags = tags
	return nil, nil
}

func (s *Service) untagResource(c *kernel.Call, in *tagInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findByARN(c, in.ResourceArn, "UntagResource")
	if err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(t.tags, key)
	}
	return nil, nil
}

func (s *Service) listTagsOfResource(c *kernel.Call, in *tagInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findByARN(c, in.ResourceArn, "ListTagsOfResource")
	if err != nil {
		return nil, err
	}
	tags := []tag{}
	for _, key := range slices.Sorted(maps.Keys(t.tags)) {
		tags = append(tags, tag{key, t.tags[key]})
	}
	return map[string]any{"Tags": tags}, nil
}

func (s *Service) findByARN(c *kernel.Call, arn, action string) (*table, error) {
	if !strings.HasPrefix(arn, "arn:") {
		return nil, invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", arn)
	}
	return s.find(c, arn, action)
}

func setTags(to map[string]string, tags []tag) error {
	for _, t := range tags {
		switch {
		case t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256:
			return invalid("One or more parameter values were invalid: a tag's key has 1 to 128 characters and its value up to 256: %q", t.Key)
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return invalid("One or more parameter values were invalid: System tag keys (with prefix aws:) are not allowed: %q", t.Key)
		}
		to[t.Key] = t.Value
	}
	if len(to) > 50 {
		return kernel.Errorf(http.StatusBadRequest, "ValidationException", "One or more parameter values were invalid: Too many tags: %d, the maximum is 50", len(to))
	}
	return nil
}
