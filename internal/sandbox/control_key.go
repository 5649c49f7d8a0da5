// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sns"
)

// NewKey creates a KMS key as the admin of an account, and returns its ARN. If the
// policy is "", the key has AWS's default policy, which delegates to the account's
// IAM policies. The policy may lock the admin out.
func (s *Sandbox) NewKey(ctx context.Context, account, region, policy string) (arn string, err error) {
	p, err := s.person(account, region, nil)
	if err != nil {
		return "", err
	}
	var created struct {
		KeyMetadata struct{ Arn string }
	}
	params := map[string]any{"BypassPolicyLockoutSafetyCheck": true}
	if policy != "" {
		params["Policy"] = policy
	}
	if err := kernel.CallJSON(ctx, s, p, region, "kms", "TrentService", "CreateKey", params, &created); err != nil {
		return "", fmt.Errorf("create a key in account %s: %w", account, err)
	}
	return created.KeyMetadata.Arn, nil
}

// KeyRequest is the body of POST /_sandbox/key.
type KeyRequest struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Policy  string `json:"policy,omitempty"`
}

// KeyAnswer is the response to a KeyRequest.
type KeyAnswer struct {
	ARN string `json:"arn"`
}

func (s *Sandbox) controlKey(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[KeyRequest](r)
	if err != nil {
		return nil, err
	}
	arn, err := s.NewKey(r.Context(), q.Account, q.Region, q.Policy)
	return KeyAnswer{arn}, err
}

// TopicMetrics returns a topic's metrics, as CloudWatch counts them.
func (s *Sandbox) TopicMetrics(topicARN string) sns.Metrics {
	return s.services["sns"].(*sns.Service).Metrics(topicARN) // addServices creates it
}

func (s *Sandbox) controlTopicMetrics(_ http.ResponseWriter, r *http.Request) (any, error) {
	return s.TopicMetrics(r.URL.Query().Get("topic_arn")), nil
}

// NewKey creates a KMS key as the admin of an account, and returns its ARN.
func (c Client) NewKey(ctx context.Context, q KeyRequest) (arn string, err error) {
	var answer KeyAnswer
	err = c.do(ctx, http.MethodPost, "/_sandbox/key", q, &answer)
	return answer.ARN, err
}

// TopicMetrics returns a topic's metrics, as CloudWatch counts them.
func (c Client) TopicMetrics(ctx context.Context, topicARN string) (sns.Metrics, error) {
	var m sns.Metrics
	return m, c.do(ctx, http.MethodGet, "/_sandbox/topic/metrics?topic_arn="+url.QueryEscape(topicARN), nil, &m)
}
