// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package cloudformation is the sandbox's CloudFormation: the customer's side
// of onboarding. It reads a template as the customer, checks parameters, rules
// and capabilities, creates IAM roles, publishes custom-resource requests to
// the vendor's topic with the customer's own permissions, waits for the answer
// at a presigned URL, and rolls back, updates and deletes as AWS does.
// Service-managed StackSets do the same in every account of an organization.
//
// Every stack operation runs in its own goroutine, by the sandbox's clock,
// until Close. An API call that needs an unimplemented feature (change sets,
// stack policies, nested stacks, self-managed StackSets, most resource types)
// returns an error.
package cloudformation

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/organizations"
)

const namespace = "http://cloudformation.amazonaws.com/doc/2010-05-15/"

// responses is the part of S3 that has CloudFormation's own response buckets,
// to which only URLs presigned by CloudFormation can write.
type responses interface {
	PresignPut(region, bucket, key string, expires time.Duration) string
	OnCustomResourceResponse(func(region, key string, body []byte))
}

// Service is CloudFormation in every account and Region of the sandbox.
type Service struct {
	env       kernel.Env
	responses responses
	handlers  map[string]handler // by resource type
	custom    handler

	organizations organizationsOf

	ctx     context.Context // of the operations, which outlive the calls that start them
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	stacks  map[string]*stack    // by stack ID; deleted ones stay
	named   map[nameKey]*stack   // the newest of each name
	waiting map[string]*pending  // custom resources, by the key that their answer is stored under
	sets    map[string]*stackSet // by StackSet ID; deleted ones stay

	executionMu    sync.Mutex        // held while an execution role is created
	executionRoles map[string]string // ARNs of the execution roles of StackSets, by account
}

// organizationsOf returns the organization of an account, for StackSets.
type organizationsOf interface {
	Of(account string) (organizations.Organization, bool)
	OnChange(func(organizations.Change))
}

// New returns the service. The service receives the answers to custom-resource
// requests through s3, and the changes of organizations through orgs.
func New(env kernel.Env, s3 responses, orgs organizationsOf) *Service {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{
		env: env, responses: s3, ctx: ctx, cancel: cancel,
		stacks: map[string]*stack{}, named: map[nameKey]*stack{}, waiting: map[string]*pending{},
		organizations: orgs, sets: map[string]*stackSet{}, executionRoles: map[string]string{},
	}
	s.custom = customResource{s}
	s.handlers = map[string]handler{
		"AWS::IAM::Role":                           roleResource{s},
		"AWS::IAM::Policy":                         policyResource{s},
		"AWS::IAM::RolePolicy":                     rolePolicyResource{s},
		"AWS::IAM::ManagedPolicy":                  managedPolicyResource{s},
		"AWS::CloudFormation::WaitConditionHandle": waitConditionHandle{s},
		"AWS::CloudFormation::StackSet":            stackSetResource{s},
		bucketType:                                 bucketResource{s},
		"AWS::S3::BucketPolicy":                    bucketPolicyResource{s},
		queueType:                                  queueResource{s},
		"AWS::SQS::QueuePolicy":                    queuePolicyResource{s},
		topicType:                                  topicResource{s},
		"AWS::SNS::TopicPolicy":                    topicPolicyResource{s},
		"AWS::SNS::Subscription":                   subscriptionResource{s},
		ruleType:                                   ruleResource{s},
		logGroupType:                               logGroupResource{s},
	}
	s3.OnCustomResourceResponse(s.receive)
	orgs.OnChange(s.follow)
	return s
}

// Close cancels all operations and waits for their goroutines. Stacks stay in
// the state that they are in.
func (s *Service) Close() {
	s.cancel()
	s.running.Wait()
}

// Action returns the name of the operation that a request calls.
func (s *Service) Action(r *http.Request, body []byte) string { return kernel.QueryAction(r, body) }

// EncodeError returns the response for an error in the query protocol.
func (s *Service) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return kernel.QueryError(c, namespace, err)
}

// Serve executes one call and returns its response.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	action, found := actions[c.Action]
	if !found {
		return nil, kernel.UnknownQueryAction(c)
	}
	if c.Principal == nil {
		return nil, kernel.Errorf(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	q := kernel.ParseQuery(c.Request, c.Body)
	if err := onlyKnown(c.Action, q, action.parameters); err != nil {
		return nil, err
	}
	if err := checkTags(q); err != nil {
		return nil, err
	}
	result, err := action.serve(s, c, q)
	if err != nil {
		return nil, apiError(err)
	}
	return kernel.QueryResult(c, namespace, result)
}

// apiError returns an error of package template as the ValidationError of the
// API, and any other error unchanged.
func apiError(err error) error {
	var invalid *template.Error
	if errors.As(err, &invalid) {
		return validation("%s", invalid.Message)
	}
	return err
}

func validation(format string, args ...any) *kernel.Error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationError", format, args...)
}

func (s *Service) now() time.Time { return s.env.Clock.Now() }

func (s *Service) newID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newIDLocked()
}

func (s *Service) newIDLocked() string { return kernel.NewRequestID(s.env.Rand) }
